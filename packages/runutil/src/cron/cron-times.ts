import { Cron } from 'croner'
import type { Clock } from '../core/clock.ts'
import { describe } from '../core/describe.ts'
import { InvalidArgumentError, unexpected } from '../core/errors.ts'
import { nearest } from '../core/options.ts'
import { messageOf } from '../core/thrown.ts'
import { sleep } from '../core/wait.ts'

/** Instants computed per turn of the event loop, which takes some milliseconds. */
const INSTANTS_A_TURN = 25
/** At most this many missed instants are counted. */
const MOST_COUNTED = 10_000

/** Instants that have passed. */
export interface Passed {
  /** The latest ones, oldest first. */
  readonly instants: readonly number[]
  /** How many have passed. */
  readonly count: number
}

/**
 * The instants of a pattern in a time zone, in ms since the epoch.
 *
 * A pattern with one hour, one minute and at most one second has one instant per local day: the first of two where the clocks
 * are set back, right after the gap where the time is skipped. All other patterns follow real time.
 */
export class CronTimes {
  readonly pattern: string
  readonly timezone: string
  readonly #cron: Cron

  /** @throws InvalidArgumentError for an invalid pattern, one that never occurs, and an unknown time zone */
  constructor(what: string, pattern: string, timezone: string) {
    checkZone(what, timezone)
    this.#cron = parsed(what, pattern, timezone)
    this.pattern = pattern
    this.timezone = timezone
    if (this.after(0) === undefined) throw neverComes(what, pattern)
  }

  /** The first instant later than `ms`; undefined when there is none. */
  after(ms: number): number | undefined {
    const next = this.#cron.nextRun(new Date(ms))?.getTime()
    if (next === undefined || next > ms) return next
    throw new Error(
      `cron: the instant of '${this.pattern}' after ${ms} came out as ${next}, which is no later`,
    )
  }

  /** @throws InvalidArgumentError when no instant follows `ms` */
  checkComesAfter(ms: number, what: string): void {
    if (this.after(ms) === undefined) throw neverComes(what, this.pattern)
  }

  /**
   * The instants after `from` up to `to`, of which the last `keep` are returned. Yields to the event loop meanwhile. Counts at
   * most 10,000.
   */
  async passed(from: number, to: number, keep: number, clock: Clock): Promise<Passed> {
    const instants: number[] = []
    let count = 0
    for (let at = this.#within(from, to); at !== undefined; at = this.#within(at, to)) {
      instants.push(at)
      if (instants.length > keep) instants.shift()
      if (++count % INSTANTS_A_TURN === 0) await sleep(clock, 0)
      if (count === MOST_COUNTED) return { instants: this.#last(keep, from, to), count }
    }
    return { instants, count }
  }

  #within(from: number, to: number): number | undefined {
    const next = this.after(from)
    return next === undefined || next > to ? undefined : next
  }

  /** Looks back twice as far each time, until there are enough. */
  #last(keep: number, from: number, to: number): number[] {
    for (let back = 1_000; ; back *= 2) {
      const instants: number[] = []
      const start = Math.max(from, to - back)
      for (let at = this.#within(start, to); at !== undefined; at = this.#within(at, to)) instants.push(at)
      if (instants.length >= keep || start === from) return instants.slice(-keep)
    }
  }
}

function parsed(what: string, pattern: unknown, timezone: string): Cron {
  const fail = (hint: string): Error => unexpected(what, EXPECTED, pattern, hint)
  if (typeof pattern !== 'string' || !/\s|^@/.test(pattern.trim())) throw fail(FOR_INTERVALS)
  if (/^\s*@reboot\s*$/i.test(pattern)) throw fail(FOR_STARTS)
  try {
    return new Cron(pattern, { paused: true, timezone })
  } catch (error) {
    throw fail(`: ${messageOf(error).replace(/^CronPattern: /, '')}`)
  }
}

const EXPECTED = `a cron pattern of 5 to 7 fields such as '0 6 * * *', or one such as '@daily'`
const FOR_INTERVALS = '; for an interval use repeat(every, job)'
const FOR_STARTS = '; what runs when the process starts is a worker, or repeat with startImmediately'

function neverComes(what: string, pattern: string): Error {
  return new InvalidArgumentError(
    `${what}: expected a cron pattern whose time comes; got ${describe(pattern)}, which never does`,
  )
}

function checkZone(what: string, timezone: unknown): void {
  const fail = (hint: string): Error =>
    unexpected(`${what}: timezone`, `a time zone such as 'Europe/Berlin' or 'UTC'`, timezone, hint)
  if (typeof timezone !== 'string' || timezone === '') throw fail('')
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch {
    const near = nearest(timezone, Intl.supportedValuesOf('timeZone'))
    throw fail(near === undefined ? '' : `; did you mean '${near}'?`)
  }
}
