import type { Clock } from '../core/clock.ts'
import { currentContext, type ScheduledRun } from '../core/context.ts'
import { log } from '../core/log.ts'
import { type CronSettings, slowAfterMs } from '../cron/cron-settings.ts'
import { CronTimes } from '../cron/cron-times.ts'
import { type LeasePlan, LONGEST_WAIT_MS, POLL_MS } from './lease-plan.ts'
import type { KnownSchedule, LeaseAnswer, LeaseTerms } from './lease-store.ts'

/** A moment that never comes: a request for it is always refused, and only reads what the store knows. */
const NEVER = 8.64e15

/** The work is due at the instants of a pattern, by the store's clock and the pattern of the replica that started last. */
export class CronPlan implements LeasePlan {
  readonly isRepeated = true
  readonly #settings: CronSettings
  readonly #clock: Clock
  #times: CronTimes
  #text: string
  #version: number | undefined
  /** The instant to request: the latest that has passed and is to be run, or the next. */
  #instant = NEVER
  /** All instants up to here are settled, whether they were run or not. */
  #examinedTo = -Infinity
  /** Cache of the first instant after a moment, since most requests need the same one. */
  #upcoming: { readonly from: number; readonly instant: number } | undefined
  /** The jitter drawn for an instant: the delay of its start. */
  #jitter = { instant: NEVER, ms: 0 }
  run: ScheduledRun | undefined

  constructor(settings: CronSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
    this.#times = settings.times
    this.#text = textOf(settings.times)
  }

  terms(): Omit<LeaseTerms, 'leaseMs'> {
    const schedule = { text: this.#text, version: this.#version }
    return { everyMs: undefined, instantMs: this.#instant, schedule }
  }

  async onAnswer(answer: LeaseAnswer): Promise<number> {
    const { schedule } = answer
    if (schedule === undefined) throw new TypeError('distributedCron needs a LeaseStore that keeps schedules')
    if (answer.kind === 'acquired') return this.#begin(schedule)
    if (!this.#adopt(schedule)) return LONGEST_WAIT_MS
    if (answer.freeInMs > 0) {
      // Request it again when it is free, for the latest instant by then.
      this.#instant = NEVER
      return Math.min(answer.freeInMs, POLL_MS)
    }
    const instant =
      (await this.#latest(schedule)) ?? this.#after(Math.max(schedule.nowMs, schedule.settledMs))
    return this.#waitFor(instant, schedule.nowMs)
  }

  slowAfterMs(): number {
    return slowAfterMs({ times: this.#times }, this.run!.scheduledFor.getTime())
  }

  detail(): object {
    const { pattern, timezone } = this.#times
    const next = this.#after(this.#clock.now())
    return { pattern, timezone, ...(next < NEVER && { next: new Date(next) }) }
  }

  /** The lease was acquired: all instants since the last run, except this one, are missed. */
  async #begin({ settledMs }: KnownSchedule): Promise<number> {
    const instant = this.#instant
    const { count } = await this.#times.passed(settledMs, instant, 1, this.#clock)
    this.run = { scheduledFor: new Date(instant), missed: Math.max(0, count - 1) }
    this.#instant = NEVER
    return 0
  }

  /** The latest instant that has passed and is to be run. */
  async #latest({ settledMs, nowMs }: KnownSchedule): Promise<number | undefined> {
    const { missed, toleranceMs } = this.#settings
    // If the store's clock was set back, instants that have run do not run again; the others are examined again.
    const from = Math.max(settledMs, Math.min(this.#examinedTo, nowMs))
    if (this.#after(from) > nowMs) return undefined
    const { instants } = await this.#times.passed(from, nowMs, 1, this.#clock)
    const latest = instants[0]
    if (latest === undefined) return undefined
    const isOnTime = nowMs - latest - this.#jitterOf(latest) <= toleranceMs
    if (missed === 'once' || isOnTime) return latest
    this.#examinedTo = latest
    return undefined
  }

  /** The instant is not requested before its start. Until then, requests only find out whether the schedule has changed. */
  #waitFor(instant: number, nowMs: number): number {
    const waitMs = instant === NEVER ? Infinity : instant + this.#jitterOf(instant) - nowMs
    this.#instant = waitMs > LONGEST_WAIT_MS ? NEVER : instant
    return Math.max(1, Math.min(waitMs, LONGEST_WAIT_MS))
  }

  #after(from: number): number {
    const known = this.#upcoming
    if (known !== undefined && known.from <= from && from < known.instant) return known.instant
    const instant = this.#times.after(from) ?? NEVER
    this.#upcoming = { from, instant }
    return instant
  }

  #jitterOf(instant: number): number {
    const { jitterMs } = this.#settings
    if (jitterMs === 0) return 0
    if (this.#jitter.instant !== instant) {
      const untilNext = (this.#times.after(instant) ?? Infinity) - instant
      this.#jitter = { instant, ms: this.#clock.random() * Math.min(jitterMs, untilNext) }
    }
    return this.#jitter.ms
  }

  /** @returns false if it cannot follow the schedule */
  #adopt({ text, version }: KnownSchedule): boolean {
    const isKnown = this.#version === version
    this.#version = version
    if (text === this.#text) return true
    this.#instant = NEVER
    this.#upcoming = undefined
    this.#examinedTo = -Infinity
    const times = timesIn(text)
    if (times === undefined) {
      const message = `cannot follow the schedule of a replica that started later: ${text}`
      if (!isKnown) log(currentContext()!.logger, 'warn', {}, message)
      return false
    }
    this.#times = times
    this.#text = text
    return true
  }
}

function textOf({ pattern, timezone }: CronTimes): string {
  return JSON.stringify({ cron: pattern, timezone })
}

function timesIn(text: string): CronTimes | undefined {
  try {
    const { cron, timezone } = JSON.parse(text) as { cron: string; timezone: string }
    return new CronTimes('distributedCron', cron, timezone)
  } catch {
    return undefined
  }
}
