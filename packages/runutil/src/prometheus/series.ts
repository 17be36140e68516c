import type { HistogramCounts } from '../core/histogram.ts'
import { BOUNDS, boundsOfBuckets } from './bounds.ts'

/** Durations, to be one series of a histogram. */
export interface CountedDurations {
  /** Also those that took no time at all, and are in no bucket. */
  readonly count: number
  readonly sumMs: number
  readonly counts: HistogramCounts
}

/** What is written once of a series, and kept while its value stays the same. */
export interface Series {
  readonly text: string
}

/** A series of one line. */
export class ValueSeries implements Series {
  readonly #beginning: string
  #value: number | undefined
  text = ''

  /** @param braces its labels, in braces */
  constructor(name: string, braces: string) {
    this.#beginning = `${name}${braces} `
  }

  /** @returns how many lines were written anew */
  set(value: number): number {
    if (value === this.#value) return 0
    this.#value = value
    this.text = `${this.#beginning}${value}\n`
    return 1
  }
}

/** The label that tells a bucket's bound. */
const BUCKETS = [...BOUNDS, '+Inf'].map((bound) => `le="${bound}"}`)
const LINES = BUCKETS.length + 2
/** The number of the line of the sum. */
const SUM = BUCKETS.length
/**
 * The beginning and the value of each line, and the end of the last. Filled anew for each series that is written, since a new list takes
 * half as long again. Joined to one flat string, where concatenation would make a tree that takes longer to copy.
 */
const PARTS = new Array<string | number>(2 * LINES + 1).fill('\n')

/** A series of a histogram: a line for each bound, one for the sum and one for the count. */
export class HistogramSeries implements Series {
  readonly #name: string
  readonly #braces: string
  /** Of each line, what is before its value. Kept of series with durations: most have none, and are written once. */
  #beginnings: readonly string[] | undefined
  #last: { readonly count: number; readonly sumMs: number; readonly inBounds: readonly number[] } | undefined
  text = ''

  constructor(name: string, braces: string) {
    this.#name = name
    this.#braces = braces
  }

  /** @param perDoubling how many buckets of `counts` are from one duration to its double @returns how many lines were written anew */
  set(all: readonly CountedDurations[], perDoubling: number): number {
    let count = 0
    let sumMs = 0
    for (const one of all) {
      count += one.count
      sumMs += one.sumMs
    }
    // Most series of most scrapes: what never happened needs no look at its buckets.
    if (count === 0 && this.#last?.count === 0) return 0
    const inBounds = countsByBound(all, perDoubling)
    const last = this.#last
    if (last?.count === count && last.sumMs === sumMs && isSame(last.inBounds, inBounds)) return 0
    this.#last = { count, sumMs, inBounds }
    this.text = this.#written(count, sumMs, inBounds)
    return LINES
  }

  #written(count: number, sumMs: number, inBounds: readonly number[]): string {
    const beginnings = this.#beginnings ?? this.#newBeginnings()
    if (count > 0) this.#beginnings = beginnings
    let upTo = count
    for (const some of inBounds) upTo -= some
    for (let at = 0; at < LINES; at++) {
      if (at < BOUNDS.length) upTo += inBounds[at]!
      PARTS[2 * at] = beginnings[at]!
      PARTS[2 * at + 1] = at < BOUNDS.length ? upTo : at === SUM ? sumMs / 1_000 : count
    }
    return PARTS.join('')
  }

  #newBeginnings(): string[] {
    const name = this.#name
    const braces = this.#braces
    const before = braces === '' ? '{' : `${braces.slice(0, -1)},`
    const buckets = BUCKETS.map((bound) => `${name}_bucket${before}${bound} `)
    const lines = [...buckets, `${name}_sum${braces} `, `${name}_count${braces} `]
    return lines.map((line, at) => (at === 0 ? line : `\n${line}`))
  }
}

/** How many are above the bound before and not above this one; the last are above all bounds. */
function countsByBound(all: readonly CountedDurations[], perDoubling: number): number[] {
  const inBounds = new Array<number>(BOUNDS.length + 1).fill(0)
  const bounds = boundsOfBuckets(perDoubling)
  for (const { counts } of all) {
    const { first, counts: some } = counts
    for (let at = 0; at < some.length; at++) inBounds[bounds[first + at]!]! += some[at]!
  }
  return inBounds
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}
