import { wholeNumber } from '../core/whole-number.ts'
import { type Backoff, ExponentialBackoff, StaticBackoff } from '../core/backoff.ts'
import { type Duration, toIntervalMs } from '../core/duration.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'

/** How many restarts are let pass before a supervisor gives up. */
export interface Intensity {
  /** 0: the first failure is one too many. */
  restarts: number
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
  /** When, the oldest first. */
  #decided: number[] = []

  constructor(limit: RestartLimit) {
    this.#limit = limit
  }

  /** Whether one more, decided now, would be too many. */
  isFull(now: number): boolean {
    const { restarts, withinMs } = this.#limit
    this.#decided = this.#decided.filter((at) => at > now - withinMs)
    return this.#decided.length >= restarts
  }

  add(now: number): void {
    this.#decided.push(now)
  }
}

/** More are not added up: a limit so high is either far out of reach or has no delays. */
const MOST_ADDED = 100_000

/**
 * Refuses a limit that restarts can't reach, however fast the workers fail, since they are delayed for longer. Only of
 * backoffs whose delays are known.
 *
 * @param atOnce how many workers are restarted each by itself, so that their delays pass at the same time
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
      `${limit.restarts} restarts${among} take at least ${Math.round(leastMs)} ms; allow fewer restarts, or count them within longer`,
  )
}

/** 0 where it can't be told. */
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
