import type { Clock } from '../core/clock.ts'
import type { CronSettings } from './cron-settings.ts'
import { MAX_LATE_RUNS, planRuns, queueRuns } from './missed-runs.ts'

/** The next instant, and when its run starts: later by the jitter. */
interface Next {
  readonly instant: number
  readonly startAt: number
}

/**
 * Tracks which instants of a cron have passed.
 *
 * Each look takes the instants between the last look and now, so that none is taken twice. After the clock was set back, it
 * continues from there, but instants up to the last run do not run again; those that were waiting are taken again.
 */
export class CronProgress {
  /** All instants up to here have been taken; undefined before the first `advance`. */
  #checkedTo: number | undefined
  /** All instants up to here have run or were missed. */
  #last = -Infinity
  #next: Next | undefined
  #waiting: number[] = []
  #missed = 0
  /** Called with the number of newly missed instants. */
  onMissed: (count: number) => void = () => {}

  /** Removes and returns the next instant to run; undefined when none is due. */
  take(): number | undefined {
    const instant = this.#waiting.shift()
    if (instant !== undefined) this.#last = instant
    return instant
  }

  /** When the next run is due. */
  get nextRunAt(): Date | undefined {
    const next = this.#waiting[0] ?? this.#next?.instant
    return next === undefined ? undefined : new Date(next)
  }

  /** Skips the instants that have passed, without counting them as missed. */
  skip(now: number): void {
    this.#checkedTo = Math.max(now, this.#last)
    this.#next = undefined
    this.#waiting = []
  }

  /** How many instants were missed since the last call. */
  takeMissed(): number {
    const missed = this.#missed
    this.#missed = 0
    return missed
  }

  /**
   * Takes the instants that have passed.
   *
   * @returns the time until the next start; undefined when no instant follows
   */
  async advance(settings: CronSettings, clock: Clock): Promise<number | undefined> {
    const now = clock.now()
    const from = this.#from(now)
    this.#next ??= nextOf(settings, from, clock)
    const next = this.#next
    if (next === undefined) return undefined
    if (next.startAt > now) {
      // Not before the last instant that ran: the clock may have been set back.
      if (next.instant > now) this.#checkedTo = Math.max(now, this.#last)
      return next.startAt - now
    }
    this.#next = undefined
    this.#checkedTo = now
    const passed = await settings.times.passed(from, now, MAX_LATE_RUNS, clock)
    const latest = passed.instants.at(-1)!
    const lateBy = now - (latest === next.instant ? next.startAt : latest)
    const planned = planRuns(passed, settings.missed, lateBy <= settings.toleranceMs)
    const queued = queueRuns(this.#waiting, planned.due)
    this.#waiting = queued.waiting
    this.#last = queued.waiting.length === 0 ? latest : queued.waiting[0]! - 1
    const missed = planned.missed + queued.missed
    this.#missed += missed
    this.onMissed(missed)
    return 0
  }

  #from(now: number): number {
    this.#checkedTo ??= now
    if (now < this.#checkedTo) {
      this.#checkedTo = Math.max(now, this.#last)
      this.#next = undefined
      // Later instants will come again.
      this.#waiting = this.#waiting.filter((instant) => instant <= now)
    }
    return this.#checkedTo
  }
}

function nextOf({ times, jitterMs }: CronSettings, from: number, clock: Clock): Next | undefined {
  const instant = times.after(from)
  if (instant === undefined) return undefined
  if (jitterMs === 0) return { instant, startAt: instant }
  const untilNext = (times.after(instant) ?? Infinity) - instant
  return { instant, startAt: instant + clock.random() * Math.min(jitterMs, untilNext) }
}
