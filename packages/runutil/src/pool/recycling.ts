import type { Clock, Timer } from '../core/clock.ts'
import type { PoolSettings } from './options.ts'
import { readsAtOnce, residentBytes, residentBytesByPs } from './resident-memory.ts'
import type { SupervisedWorker } from './worker/supervised-worker.ts'

/** The workers to recycle, and how to replace or dismiss one. */
interface RecycledWorkers {
  readonly active: readonly SupervisedWorker[]
  /** Drains a worker that has reached a limit, and replaces it. */
  replace(worker: SupervisedWorker, reason: string): void
  /** Starts a worker's successor, which replaces it when it leaves or, with a reason, as soon as the successor is up. */
  startSuccessor(worker: SupervisedWorker, reason?: string): void
  /** Removes a worker without replacing it. False when no fewer workers may remain. */
  removeIdle(worker: SupervisedWorker, reason: string): boolean
}

const MEMORY_EVERY_MS = 1_000

/** Decides when a healthy worker has to be recycled, by its number of tasks, age, memory and idle time. */
export class Recycling {
  readonly #settings: PoolSettings
  readonly #clock: Clock
  #memoryTimer: Timer | undefined
  #idleTimer: Timer | undefined
  #ageTimer: Timer | undefined
  #measuring = false

  constructor(settings: PoolSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  start(workers: RecycledWorkers): void {
    const { maxMemory, ttlMs, idleMs } = this.#settings
    const every = (check: (workers: RecycledWorkers) => void, ms: number): Timer =>
      this.#clock.setTimeout(() => check(workers), ms)
    if (maxMemory < Infinity) this.#memoryTimer = every(this.#checkMemory, MEMORY_EVERY_MS)
    if (ttlMs < Infinity) this.#ageTimer = every(this.#checkAge, this.#ageStepMs)
    if (idleMs < Infinity) this.#idleTimer = every(this.#checkIdle, idleMs)
  }

  stop(): void {
    this.#memoryTimer?.clear()
    this.#idleTimer?.clear()
    this.#ageTimer?.clear()
  }

  /** Why a worker that has just performed a task should not perform another; undefined if it may. */
  due(worker: SupervisedWorker, workers: RecycledWorkers): string | undefined {
    const { maxMemory, overlap } = this.#settings
    if (worker.numExecs === 0) return undefined
    const left = worker.recycleLimits.execs - worker.numExecs
    if (left <= 0) return `it has done ${worker.numExecs} tasks`
    if (left === 1 && overlap) workers.startSuccessor(worker)
    if (maxMemory === Infinity) return undefined
    if (readsAtOnce) return this.#tooLarge(residentBytes(worker.pid))
    void this.#measure(workers)
    return undefined
  }

  #tooLarge(bytes: number): string | undefined {
    const { maxMemory } = this.#settings
    return bytes > maxMemory ? `it has ${bytes} bytes of memory, above ${maxMemory} (maxMemory)` : undefined
  }

  readonly #checkMemory = (workers: RecycledWorkers): void => {
    this.#memoryTimer!.restartAt(this.#clock.elapsed() + MEMORY_EVERY_MS)
    void this.#measure(workers)
  }

  async #measure(workers: RecycledWorkers): Promise<void> {
    if (this.#measuring) return
    this.#measuring = true
    const { active } = workers
    const pids = active.map(({ pid }) => pid)
    const sizes = readsAtOnce ? undefined : await residentBytesByPs(pids)
    this.#measuring = false
    for (const worker of active) {
      const reason = this.#tooLarge(sizes?.get(worker.pid) ?? (readsAtOnce ? residentBytes(worker.pid) : 0))
      if (reason !== undefined) workers.replace(worker, reason)
    }
  }

  /** The interval that staggers the age limits of workers that started together. */
  get #ageStepMs(): number {
    const { ttlMs, numWorkers } = this.#settings
    return Math.max(1, ttlMs / numWorkers)
  }

  readonly #checkAge = (workers: RecycledWorkers): void => {
    const { ttlMs, overlap } = this.#settings
    const now = this.#clock.elapsed()
    const next = workers.active.map(({ recycleLimits }) => recycleLimits.until).filter((until) => until > now)
    this.#ageTimer!.restartAt(Math.min(now + this.#ageStepMs, ...next))
    const reason = `it was there for ${ttlMs} ms (ttl)`
    for (const worker of workers.active.filter(({ recycleLimits }) => recycleLimits.until <= now)) {
      if (overlap) workers.startSuccessor(worker, reason)
      else workers.replace(worker, reason)
    }
  }

  /** Checks again when the longest-idle worker may be due; a worker that is busy now cannot be due earlier. */
  readonly #checkIdle = (workers: RecycledWorkers): void => {
    const { idleMs } = this.#settings
    const now = this.#clock.elapsed()
    const dueAt = (worker: SupervisedWorker): number => worker.idleSince + idleMs
    const idle = workers.active.filter(({ state }) => state === 'ready')
    const due = idle.filter((worker) => dueAt(worker) <= now)
    const next = idle.map(dueAt).filter((at) => at > now)
    // Before any worker is dismissed, since a listener may destroy the pool.
    this.#idleTimer!.restartAt(Math.min(now + Math.max(1, idleMs), ...next))
    for (const worker of due) if (!workers.removeIdle(worker, `it was idle for ${idleMs} ms`)) return
  }
}
