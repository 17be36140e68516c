import { setBackgroundInterval } from './background-interval.ts'
import type { Clock, Timer } from './clock.ts'
import { isLate } from './punctual-timer.ts'

/** How often it looks. */
const SWEEP_MS = 10_000

/** Something that runs now and then, and says when it takes long. */
export interface WatchedRuns {
  /** When the run that is on began, by `elapsed()`; undefined between two runs. */
  readonly runningSince: number | undefined
  readonly warnAfterMs: number
  /** Called at each look at a run that is over its time: to be said once a run. */
  warnSlow(): void
}

const sweeps = new WeakMap<Clock, SlowRuns>()

/** The sweep of that clock: one for all of the process. */
export function slowRuns(clock: Clock): SlowRuns {
  let sweep = sweeps.get(clock)
  if (sweep === undefined) sweeps.set(clock, (sweep = new SlowRuns(clock)))
  return sweep
}

/** Looks every 10 s for runs that take long, so that a run needs no timer of its own; not at all while none is on. */
export class SlowRuns {
  readonly #clock: Clock
  readonly #watched = new Set<WatchedRuns>()
  #timer: Pick<Timer, 'clear'> | undefined
  #lookedAt = 0
  /** The process could not look before: no run is blamed for what was before. */
  #from = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(runs: WatchedRuns): void {
    this.#watched.add(runs)
  }

  /** To be called when a run of those that were added has begun. */
  began(): void {
    if (this.#timer !== undefined) return
    this.#lookedAt = this.#clock.elapsed()
    this.#timer = setBackgroundInterval(this.#clock, () => this.#look(), SWEEP_MS)
  }

  /** Safe to call when it was never added. */
  remove(runs: WatchedRuns): void {
    if (this.#watched.delete(runs) && this.#watched.size === 0) this.#rest()
  }

  #look(): void {
    const now = this.#clock.elapsed()
    if (isLate(now - this.#lookedAt - SWEEP_MS, SWEEP_MS)) this.#from = now
    this.#lookedAt = now
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
