import type { Clock } from './clock.ts'
import { currentClock } from './context.ts'
import { describe } from './describe.ts'
import { type Duration, toMs } from './duration.ts'
import { InvalidDurationError, unexpected } from './errors.ts'
import { has } from './has.ts'
import { checkOptions } from './options.ts'
import { messageOf } from './thrown.ts'

/** How long to wait before an attempt. Attempt 0, the first, is always 0 ms. */
export interface Backoff {
  /** The wait before an attempt, in ms. @param attempt 0 for the first, 1 for the first retry and so on */
  duration(attempt: number): number
}

/** How the delays of `backoff` grow. */
export interface ExponentialBackoffOptions {
  /** The wait before attempt 1, the first retry. */
  initial: Duration
  /** The longest wait. */
  max: Duration
  /** The share of each wait that is random, 0 to 1. Default 0; 0.5 keeps a fleet from retrying in step. */
  jitterProportion?: number
}

/** A fixed wait, or one that doubles with each attempt. */
export function backoff(sleep: Duration): StaticBackoff
export function backoff(options: ExponentialBackoffOptions): ExponentialBackoff
export function backoff(given: Duration | ExponentialBackoffOptions): Backoff {
  return typeof given === 'object' ? new ExponentialBackoff(given) : new StaticBackoff(given)
}

/** The same wait before each attempt except attempt 0. */
export class StaticBackoff implements Backoff {
  readonly sleepMs: number

  /** @throws InvalidDurationError */
  constructor(sleep: Duration) {
    this.sleepMs = toMs(sleep, 'backoff')
  }

  duration(attempt: number): number {
    return attempt > 0 ? this.sleepMs : 0
  }
}

/**
 * `base = min(max, initial · 2^(attempt-1))`, of which `jitterProportion` is random. The cap comes before the
 * jitter: after it, every wait at the cap is the same and a fleet retries in step when an outage is long.
 */
export class ExponentialBackoff implements Backoff {
  readonly initialMs: number
  readonly maxMs: number
  /** The share of each wait that is random, 0 to 1. */
  readonly jitterProportion: number

  /** @throws InvalidDurationError, RangeError for a jitterProportion outside 0 to 1 */
  constructor(options: ExponentialBackoffOptions) {
    const {
      initial,
      max,
      jitterProportion = 0,
    } = checkOptions('backoff', options, ['initial', 'max', 'jitterProportion'])
    this.initialMs = toMs(initial, 'backoff: initial')
    this.maxMs = toMs(max, 'backoff: max')
    if (typeof jitterProportion !== 'number' || !(jitterProportion >= 0 && jitterProportion <= 1)) {
      throw new RangeError(
        `backoff: expected a jitterProportion of 0 to 1; got ${describe(jitterProportion)}`,
      )
    }
    this.jitterProportion = jitterProportion
  }

  duration(attempt: number, clock: Clock = currentClock()): number {
    if (!(attempt > 0)) return 0
    // 2^1024 would be Infinity, and Infinity · 0 is NaN.
    const base = Math.min(this.maxMs, this.initialMs * 2 ** Math.min(attempt - 1, 1023))
    return base * (1 - this.jitterProportion) + clock.random() * base * this.jitterProportion
  }
}

/** @throws InvalidArgumentError when `value` has no `duration` method */
export function checkBackoff(value: unknown, what: string): asserts value is Backoff {
  if (has(value, 'duration')) return
  throw unexpected(what, `a Backoff, as backoff('5s') or backoff({ initial: '1s', max: '1m' })`, value)
}

/** The longest wait of a backoff, estimated from a high attempt, which is at the cap. NaN if unknown. */
export function longestWaitMs(of: Backoff): number {
  if (of instanceof ExponentialBackoff) return of.maxMs
  try {
    return of.duration(1_000)
  } catch {
    return NaN
  }
}

/**
 * The wait that any backoff returns, validated.
 *
 * @param failure the failure to wait after: the cause of the error if the backoff is invalid
 * @throws InvalidDurationError, with the failure as cause
 */
export function waitMsOf(of: Backoff, attempt: number, failure: unknown): number {
  const what = `backoff.duration(${attempt})`
  const said = askedFor(of, attempt)
  if ('error' in said) {
    throw new InvalidDurationError(`${what}: expected a number of ms; it threw: ${messageOf(said.error)}`, {
      cause: failure,
    })
  }
  try {
    return toMs(said.ms, what)
  } catch (error) {
    throw new InvalidDurationError(messageOf(error), { cause: failure })
  }
}

function askedFor(of: Backoff, attempt: number): { ms: number } | { error: unknown } {
  try {
    return { ms: of.duration(attempt) }
  } catch (error) {
    return { error }
  }
}
