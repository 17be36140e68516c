import type { WorkerProcess } from './worker/worker-process.ts'

/** Workers that still take tasks while their successor is starting, or is waiting for their slot. */
export class PendingSuccessors {
  readonly #pending = new Map<WorkerProcess, string | undefined>()

  get count(): number {
    return this.#pending.size
  }

  /** @param reason why the worker leaves once its successor is up; undefined: it leaves by itself. @returns false if it has a successor */
  add(worker: WorkerProcess, reason: string | undefined): boolean {
    if (this.#pending.has(worker)) return false
    this.#pending.set(worker, reason)
    return true
  }

  delete(worker: WorkerProcess): void {
    this.#pending.delete(worker)
  }

  clear(): void {
    this.#pending.clear()
  }

  /** The first worker that leaves as soon as a successor is up. */
  due(): { worker: WorkerProcess; reason: string } | undefined {
    for (const [worker, reason] of this.#pending) if (reason !== undefined) return { worker, reason }
    return undefined
  }
}
