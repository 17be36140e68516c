import { NO_LIMITS, type ResolvedLimits } from './limits.ts'
import type { StoredJob } from './stored-job.ts'

/** The limits of all kinds, and when their jobs were started lately. */
export class MemoryLimits {
  readonly #limits = new Map<string, ResolvedLimits>()
  readonly #starts = new Map<string, number[]>()

  set(kind: string, limits: ResolvedLimits): void {
    this.#limits.set(kind, limits)
  }

  /** What may start now. @param held all jobs that run */
  allowance(kind: string, held: Iterable<StoredJob>, now: number): Allowance {
    const limits = this.#limits.get(kind)
    if (limits === undefined) return new Allowance(NO_LIMITS, [], 0)
    const running = [...held].filter((job) => job.kind === kind)
    return new Allowance(limits, running, this.#startsOf(kind, now).length)
  }

  started(kind: string, now: number): void {
    if (this.#limits.get(kind)?.rate !== undefined) this.#startsOf(kind, now).push(now)
  }

  /** Those of the last `per`. */
  #startsOf(kind: string, now: number): number[] {
    const perMs = this.#limits.get(kind)?.rate?.perMs ?? 0
    const starts = (this.#starts.get(kind) ?? []).filter((at) => at > now - perMs)
    this.#starts.set(kind, starts)
    return starts
  }
}

/** Counts down what the limits of a kind still allow at one moment. */
class Allowance {
  readonly #keyConcurrency: number
  readonly #runningByKey = new Map<string, number>()
  #left: number

  constructor(limits: ResolvedLimits, running: readonly StoredJob[], started: number) {
    const { concurrency = Infinity, keyConcurrency = Infinity, rate } = limits
    this.#left = Math.min(concurrency - running.length, (rate?.limit ?? Infinity) - started)
    this.#keyConcurrency = keyConcurrency
    for (const { key } of running) this.#count(key)
  }

  /** Takes a place for one more; false when there is none. */
  take(key: string | undefined): boolean {
    if (this.#left <= 0) return false
    if (key !== undefined && (this.#runningByKey.get(key) ?? 0) >= this.#keyConcurrency) return false
    this.#count(key)
    this.#left--
    return true
  }

  #count(key: string | undefined): void {
    if (key !== undefined) this.#runningByKey.set(key, (this.#runningByKey.get(key) ?? 0) + 1)
  }
}
