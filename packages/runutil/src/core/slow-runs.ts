import { setBackgroundInterval } from './background-interval.ts'
import type { Clock, Timer } from './clock.ts'
import { isLate } from './punctual-timer.ts'

/** The time between two sweeps. */
const SWEEP_MS = 10_000

/** A repeated run that warns when it takes too long. */
export interface WatchedRuns {
  /** When the current run began, by `elapsed()`; undefined between two runs. */
  readonly runningSince: number | undefined
  readonly warnAfterMs: number
  /** Called at each sweep for an overdue run; must warn once per run. */
  warnSlow(): void
}

const sweeps = new WeakMap<Clock, SlowRuns>()

/** The sweep of that clock: one per process. */
export function slowRuns(clock: Clock): SlowRuns {
  let sweep = sweeps.get(clock)
  if (sweep === undefined) sweeps.set(clock, (sweep = new SlowRuns(clock)))
  return sweep
}

/** Sweeps every 10 s for slow runs, so that a run needs no timer of its own; does not sweep while nothing runs. */
export class SlowRuns {
  readonly #clock: Clock
  readonly #watched = new Set<WatchedRuns>()
  #timer: Pick<Timer, 'clear'> | undefined
  #checkedAt = 0
  /** When the process was last found to have been blocked or suspended: time before this moment does not count. */
  #from = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(runs: WatchedRuns): void {
    this.#watched.add(runs)
  }

  /** Call this when an added run has begun. */
  began(): void {
    if (this.#timer !== undefined) return
    this.#checkedAt = this.#clock.elapsed()
    this.#timer = setBackgroundInterval(this.#clock, () => this.#check(), SWEEP_MS)
  }

  /** Safe to call for runs that were never added. */
  remove(runs: WatchedRuns): void {
    if (this.#watched.delete(runs) && this.#watched.size === 0) this.#rest()
  }

  #check(): void {
    const now = this.#clock.elapsed()
    if (isLate(now - this.#checkedAt - SWEEP_MS, SWEEP_MS)) this.#from = now
    this.#checkedAt = now
    let isAnyOn = false
    for (const runs of this.#watched) {
      const since = runs.runningSince
      if (since === undefined) continue
      isAnyOn = true
      if (now - Math.max(since, this.#from) >= runs.warnAfterMs) runs.warnSlow()
    }
    if (!isAnyOn) this.#rest()
  }

  #rest(): void {
    this.#timer?.clear()
    this.#timer = undefined
  }
}
