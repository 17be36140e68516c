import type { WorkerProcess } from './worker/worker-process.ts'

/** Which workers have a successor coming, or waiting for their place, while they still take tasks. */
export class Successions {
  readonly #before = new Map<WorkerProcess, string | undefined>()

  get count(): number {
    return this.#before.size
  }

  /** @param reason for which the worker leaves as soon as its successor is up; without, it leaves by itself. False if it has one already */
  add(worker: WorkerProcess, reason: string | undefined): boolean {
    if (this.#before.has(worker)) return false
    this.#before.set(worker, reason)
    return true
  }

  delete(worker: WorkerProcess): void {
    this.#before.delete(worker)
  }

  clear(): void {
    this.#before.clear()
  }

  /** The first that leaves as soon as a successor is up. */
  due(): { worker: WorkerProcess; reason: string } | undefined {
    for (const [worker, reason] of this.#before) if (reason !== undefined) return { worker, reason }
    return undefined
  }
}
