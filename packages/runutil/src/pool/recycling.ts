import type { Clock, Timer } from '../core/clock.ts'
import type { PoolSettings } from './options.ts'
import { readsAtOnce, residentBytes, residentBytesByPs } from './resident-memory.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

export interface RecyclingProps {
  readonly settings: PoolSettings
  readonly clock: () => Clock
  readonly workers: () => readonly WorkerProcess[]
  /** It has done its part: another takes its place. */
  readonly replace: (worker: WorkerProcess, reason: string) => void
  /** Another comes up to take its place: when it leaves or, with a reason, as soon as it is up. */
  readonly succeed: (worker: WorkerProcess, reason?: string) => void
  /** It isn't needed: nobody takes its place. False when so many have to stay. */
  readonly dismiss: (worker: WorkerProcess, reason: string) => boolean
}

const MEMORY_EVERY_MS = 1_000

/** Decides when a healthy worker has to go: after so many tasks, so much time, above so much memory, idle for so long. */
export class Recycling {
  readonly #props: RecyclingProps
  #memoryTimer: Timer | undefined
  #idleTimer: Timer | undefined
  #ageTimer: Timer | undefined
  #measuring = false

  constructor(props: RecyclingProps) {
    this.#props = props
  }

  start(): void {
    const { settings, clock } = this.#props
    if (settings.maxMemory < Infinity) {
      this.#memoryTimer = clock().setTimeout(this.#checkMemory, MEMORY_EVERY_MS)
    }
    if (settings.ttlMs < Infinity) this.#ageTimer = clock().setTimeout(this.#checkAge, this.#ageStepMs)
    if (settings.idleMs < Infinity) this.#idleTimer = clock().setTimeout(this.#checkIdle, settings.idleMs)
  }

  stop(): void {
    this.#memoryTimer?.clear()
    this.#idleTimer?.clear()
    this.#ageTimer?.clear()
  }

  /** Why a worker that has just done a task should not do another. */
  due(worker: WorkerProcess): string | undefined {
    const { maxMemory, overlap } = this.#props.settings
    const left = worker.allotment.execs - worker.numExecs
    if (left <= 0) return `it has done ${worker.numExecs} tasks`
    if (left === 1 && overlap) this.#props.succeed(worker)
    if (maxMemory === Infinity) return undefined
    if (readsAtOnce) return this.#tooLarge(residentBytes(worker.pid))
    void this.#measure()
    return undefined
  }

  #tooLarge(bytes: number): string | undefined {
    const { maxMemory } = this.#props.settings
    return bytes > maxMemory ? `it has ${bytes} bytes of memory, above ${maxMemory} (maxMemory)` : undefined
  }

  readonly #checkMemory = (): void => {
    const { clock } = this.#props
    this.#memoryTimer!.restartAt(clock().elapsed() + MEMORY_EVERY_MS)
    void this.#measure()
  }

  async #measure(): Promise<void> {
    if (this.#measuring) return
    this.#measuring = true
    const workers = [...this.#props.workers()]
    const pids = workers.map(({ pid }) => pid)
    const sizes = readsAtOnce ? undefined : await residentBytesByPs(pids)
    this.#measuring = false
    for (const worker of workers) {
      const reason = this.#tooLarge(sizes?.get(worker.pid) ?? (readsAtOnce ? residentBytes(worker.pid) : 0))
      if (reason !== undefined) this.#props.replace(worker, reason)
    }
  }

  /** Those that came together are due one after another, each at its part of the whole time. */
  get #ageStepMs(): number {
    const { ttlMs, numWorkers } = this.#props.settings
    return Math.max(1, ttlMs / numWorkers)
  }

  readonly #checkAge = (): void => {
    const { clock, settings, workers, replace, succeed } = this.#props
    const now = clock().elapsed()
    const next = workers()
      .map(({ allotment }) => allotment.until)
      .filter((until) => until > now)
    this.#ageTimer!.restartAt(Math.min(now + this.#ageStepMs, ...next))
    const reason = `it was there for ${settings.ttlMs} ms (ttl)`
    for (const worker of workers().filter(({ allotment }) => allotment.until <= now)) {
      if (settings.overlap) succeed(worker, reason)
      else replace(worker, reason)
    }
  }

  /** Looks again when the one that has been idle for longest may go; none that works now can be due before. */
  readonly #checkIdle = (): void => {
    const { clock, settings, workers, dismiss } = this.#props
    const now = clock().elapsed()
    const dueAt = (worker: WorkerProcess): number => worker.idleSince + settings.idleMs
    const idle = workers().filter(({ state }) => state === 'ready')
    const due = idle.filter((worker) => dueAt(worker) <= now)
    const next = idle.map(dueAt).filter((at) => at > now)
    // First: who hears of one that goes may destroy the pool.
    this.#idleTimer!.restartAt(Math.min(now + Math.max(1, settings.idleMs), ...next))
    for (const worker of due) if (!dismiss(worker, `it was idle for ${settings.idleMs} ms`)) return
  }
}
