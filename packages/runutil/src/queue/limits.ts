import { type Duration, toStorableIntervalMs } from '../core/duration.ts'
import { checkOptions } from '../core/options.ts'
import { wholeNumber } from '../core/whole-number.ts'

/**
 * How many jobs of a kind may run or start, over all machines; a store never exceeds them. The limits of all live processes
 * apply together; one without limits doesn't lift those of others. A cancelled job keeps its place until its handler has
 * ended. A job whose handler outlasts its deadline by 1 s, or whose process is cut off for as long as a lease, gives its place up,
 * since the end of its handler is unknown.
 */
export interface KindLimits {
  /** The most jobs that run at once. */
  readonly concurrency?: number | undefined
  /** The most jobs of one `key` that run at once; jobs without a key aren't counted. */
  readonly keyConcurrency?: number | undefined
  /**
   * The most starts in any window of length `per`. A start counts from its claim until 25 ms later, longer if claims are
   * slow; a job that can't start by then is released. A process suspended just then may still exceed a window's limit, and
   * so may one that prefetches and hasn't read yet (within 30 s) that another process set a rate for the kind.
   */
  readonly rate?: { readonly limit: number; readonly per: Duration } | undefined
}

/** Limits as stores expect them: checked, and times in ms. */
export interface ResolvedLimits {
  /** Undefined: no limit, as for the others. */
  readonly concurrency: number | undefined
  readonly keyConcurrency: number | undefined
  readonly rate: { readonly limit: number; readonly perMs: number } | undefined
}

export const NO_LIMITS: ResolvedLimits = {
  concurrency: undefined,
  keyConcurrency: undefined,
  rate: undefined,
}

/** All limits that apply to a kind at one time. */
export interface LimitsInForce {
  readonly concurrency: number
  readonly keyConcurrency: number
  /** Each applies separately. */
  readonly rates: readonly { readonly limit: number; readonly perMs: number }[]
}

export function sameLimits(a: ResolvedLimits, b: ResolvedLimits): boolean {
  if (a.concurrency !== b.concurrency || a.keyConcurrency !== b.keyConcurrency) return false
  return a.rate?.limit === b.rate?.limit && a.rate?.perMs === b.rate?.perMs
}

/** The text for messages. */
export function limitsText({ concurrency, keyConcurrency, rate }: ResolvedLimits): string {
  const texts = [
    concurrency !== undefined && `concurrency ${concurrency}`,
    keyConcurrency !== undefined && `keyConcurrency ${keyConcurrency}`,
    rate && `rate ${rate.limit} per ${rate.perMs} ms`,
  ].filter(Boolean)
  return texts.length === 0 ? 'no limits' : texts.join(', ')
}

/** Several limits combined: the least of each, and every rate. */
export function limitsTogether(all: readonly ResolvedLimits[]): LimitsInForce {
  return {
    concurrency: Math.min(...all.map(({ concurrency = Infinity }) => concurrency)),
    keyConcurrency: Math.min(...all.map(({ keyConcurrency = Infinity }) => keyConcurrency)),
    rates: all.flatMap(({ rate = [] }) => rate),
  }
}

/** @throws InvalidArgumentError, InvalidDurationError */
export function resolveLimits(limits: KindLimits, what: string): ResolvedLimits {
  const { concurrency, keyConcurrency, rate } = limits
  return {
    concurrency: count(concurrency, `${what}: concurrency`),
    keyConcurrency: count(keyConcurrency, `${what}: keyConcurrency`),
    rate: rate === undefined ? undefined : resolveRate(rate, `${what}: rate`),
  }
}

export function isLimited({ concurrency, keyConcurrency, rate }: ResolvedLimits): boolean {
  return concurrency !== undefined || keyConcurrency !== undefined || rate !== undefined
}

function resolveRate(rate: { limit: number; per: Duration }, what: string): { limit: number; perMs: number } {
  checkOptions(what, rate, ['limit', 'per'])
  const limit = wholeNumber(rate.limit, `${what}.limit`, COUNT)
  return { limit, perMs: toStorableIntervalMs(rate.per, `${what}.per`) }
}

/** The range that stores can count. */
const COUNT = { min: 1, max: 2 ** 31 - 1 }

/** @throws InvalidArgumentError unless it is a whole number of 1 or more */
export function count(value: number | undefined, what: string): number | undefined {
  return value === undefined ? undefined : wholeNumber(value, what, COUNT)
}
