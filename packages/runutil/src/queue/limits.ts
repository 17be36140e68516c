import { type Duration, toStorableIntervalMs } from '../core/duration.ts'
import { checkOptions } from '../core/options.ts'
import { wholeNumber } from '../core/whole-number.ts'

/**
 * How many jobs of a kind a store hands out, over all machines; it never hands out one too many. All limits that live
 * processes give hold together; one that gives none takes none off. A job that is
 * cancelled keeps its place until its handler has ended. One whose handler outlasts its deadline, or whose process is cut
 * off for as long as a lease, makes room, since nobody can tell when its handler will end.
 */
export interface KindLimits {
  /** So many at once. */
  readonly concurrency?: number | undefined
  /** So many of one `key` at once; jobs without a key aren't counted. */
  readonly keyConcurrency?: number | undefined
  /**
   * So many started in any window as long as `per`. A start counts from its claim and 25 ms longer, or more where claims
   * are slow; a job that could only start after that is given back. A process that freezes just then may still crowd a
   * window, and so may one that prefetches and hasn't heard yet (within 30 s) that another has given the kind a rate.
   */
  readonly rate?: { readonly limit: number; readonly per: Duration } | undefined
}

/** As a store takes them: checked, and times in ms. */
export interface ResolvedLimits {
  readonly concurrency: number | undefined
  readonly keyConcurrency: number | undefined
  readonly rate: { readonly limit: number; readonly perMs: number } | undefined
}

export const NO_LIMITS: ResolvedLimits = {
  concurrency: undefined,
  keyConcurrency: undefined,
  rate: undefined,
}

/** All that holds for a kind at one moment. */
export interface LimitsInForce {
  readonly concurrency: number
  readonly keyConcurrency: number
  /** Each holds by itself. */
  readonly rates: readonly { readonly limit: number; readonly perMs: number }[]
}

export function sameLimits(a: ResolvedLimits, b: ResolvedLimits): boolean {
  if (a.concurrency !== b.concurrency || a.keyConcurrency !== b.keyConcurrency) return false
  return a.rate?.limit === b.rate?.limit && a.rate?.perMs === b.rate?.perMs
}

/** As a message says it. */
export function limitsText({ concurrency, keyConcurrency, rate }: ResolvedLimits): string {
  const texts = [
    concurrency !== undefined && `concurrency ${concurrency}`,
    keyConcurrency !== undefined && `keyConcurrency ${keyConcurrency}`,
    rate && `rate ${rate.limit} per ${rate.perMs} ms`,
  ].filter(Boolean)
  return texts.length === 0 ? 'no limits' : texts.join(', ')
}

/** What several say together: the least of each, and every rate. */
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

/** What stores can count. */
const COUNT = { min: 1, max: 2 ** 31 - 1 }

/** @throws InvalidArgumentError unless it is a whole number of 1 or more */
export function count(value: number | undefined, what: string): number | undefined {
  return value === undefined ? undefined : wholeNumber(value, what, COUNT)
}
