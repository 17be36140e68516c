import { wholeNumber } from '../core/whole-number.ts'
import { type Backoff, ExponentialBackoff, StaticBackoff } from '../core/backoff.ts'
import { type Duration, toIntervalMs } from '../core/duration.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'

/** How many restarts a supervisor allows within a time before it gives up. */
export interface Intensity {
  /** At least 0; 0 gives up at the first failure. */
  restarts: number
  /** A restart counts for this long, from the moment that it is decided. */
  within: Duration
}

export interface RestartLimit {
  readonly restarts: number
  readonly withinMs: number
}

/** @throws InvalidArgumentError, InvalidDurationError */
export function toRestartLimit(intensity: Intensity, what: string): RestartLimit {
  const { restarts, within } = checkOptions(what, intensity, ['restarts', 'within'])
  wholeNumber(restarts, `${what}: restarts`)
  return { restarts, withinMs: toIntervalMs(within, `${what}: within`) }
}

/** The restarts that were decided in (now − within, now]. */
export class RestartWindow {
  readonly #limit: RestartLimit
  /** The times of the restarts, oldest first. */
  #decided: number[] = []

  constructor(limit: RestartLimit) {
    this.#limit = limit
  }

  /** Whether one more restart, decided now, would exceed the limit. */
  isFull(now: number): boolean {
    const { restarts, withinMs } = this.#limit
    this.#decided = this.#decided.filter((at) => at > now - withinMs)
    return this.#decided.length >= restarts
  }

  add(now: number): void {
    this.#decided.push(now)
  }
}

/** At most this many delays are summed: a higher limit is either far out of reach or has no delays. */
const MOST_ADDED = 100_000

/**
 * Refuses a limit that restarts cannot reach, however fast the workers fail, because the delays take longer. Checks only
 * backoffs whose delays are known.
 *
 * @param atOnce how many workers restart independently, so that their delays overlap
 * @throws InvalidArgumentError with the numbers
 */
export function checkReach(
  limit: RestartLimit,
  backoffs: readonly Backoff[],
  atOnce: number,
  what: string,
): void {
  const sums = backoffs.map((backoff) => shortestSumMs(backoff, limit.restarts))
  const leastMs = Math.min(...sums) / atOnce
  if (!(leastMs < Infinity && leastMs > limit.withinMs)) return
  const among = atOnce === 1 ? '' : ` of ${atOnce} workers`
  throw new InvalidArgumentError(
    `${what}: expected a limit that restarts can reach; got ${limit.restarts} within ${limit.withinMs} ms, but the delays before ` +
      `${limit.restarts} restarts${among} take at least ${Math.round(leastMs)} ms; allow fewer restarts, or a longer \`within\``,
  )
}

/** 0 if the delays are not known. */
function shortestSumMs(backoff: Backoff, restarts: number): number {
  if (backoff.constructor === StaticBackoff) return (backoff as StaticBackoff).sleepMs * restarts
  if (backoff.constructor !== ExponentialBackoff) return 0
  const { initialMs, maxMs, jitterProportion } = backoff as ExponentialBackoff
  const counted = Math.min(restarts, MOST_ADDED)
  let sum = 0
  for (let attempt = 1; attempt <= counted; attempt++) {
    const base = Math.min(maxMs, initialMs * 2 ** Math.min(attempt - 1, 1023))
    if (base === maxMs) return (sum + base * (restarts - attempt + 1)) * (1 - jitterProportion)
    sum += base
  }
  return sum * (1 - jitterProportion)
}
