import type { HistogramCounts } from '../core/histogram.ts'

export type Labels = Readonly<Record<string, string>>

/** Durations, to be one series of a histogram. */
export interface CountedDurations {
  /** Also those that took no time at all, and are in no bucket. */
  readonly count: number
  readonly sumMs: number
  readonly counts: HistogramCounts
}

/** The first bound is so many doublings of 0.01 ms: 0.64 ms. */
const FIRST_DOUBLINGS = 6
/** Each bound is four times the one before, up to 45 minutes. */
const DOUBLINGS_APART = 2
const BOUNDS = Array.from({ length: 12 }, (_, at) => {
  return String(Number((1e-5 * 2 ** (FIRST_DOUBLINGS + at * DOUBLINGS_APART)).toPrecision(6)))
})

/** All series of one name, in the text format of Prometheus. */
export class MetricFamily {
  readonly #name: string
  readonly #header: string
  readonly #lines: string[] = []

  constructor(name: string, type: 'counter' | 'gauge' | 'histogram', help: string) {
    this.#name = name
    this.#header = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  }

  /** '' without series. */
  get text(): string {
    return this.#lines.length === 0 ? '' : `${this.#header}${this.#lines.join('')}`
  }

  add(labels: Labels, value: number): void {
    this.#line(this.#name, inBraces(labels), value)
  }

  /** @param perDoubling how many buckets of `counts` are from one duration to its double */
  addDurations(labels: Labels, all: readonly CountedDurations[], perDoubling: number): void {
    const inBounds = countsByBound(all, perDoubling)
    const count = sum(all, (one) => one.count)
    const braces = inBraces(labels)
    const before = braces === '' ? '{' : `${braces.slice(0, -1)},`
    let upTo = count - sum(inBounds, (some) => some)
    for (const [at, le] of BOUNDS.entries()) {
      upTo += inBounds[at]!
      this.#line(`${this.#name}_bucket`, `${before}le="${le}"}`, upTo)
    }
    this.#line(`${this.#name}_bucket`, `${before}le="+Inf"}`, count)
    this.#line(`${this.#name}_sum`, braces, sum(all, ({ sumMs }) => sumMs) / 1_000)
    this.#line(`${this.#name}_count`, braces, count)
  }

  #line(name: string, labels: string, value: number): void {
    this.#lines.push(`${name}${labels} ${value}\n`)
  }
}

/** How many are above the bound before and not above this one; the last are above all bounds. */
function countsByBound(all: readonly CountedDurations[], perDoubling: number): number[] {
  const inBounds = new Array<number>(BOUNDS.length + 1).fill(0)
  for (const { counts } of all) {
    for (const [at, some] of counts.counts.entries()) {
      const doublings = (counts.first + at) / perDoubling - FIRST_DOUBLINGS
      const bound = Math.min(Math.max(0, Math.ceil(doublings / DOUBLINGS_APART)), BOUNDS.length)
      inBounds[bound]! += some
    }
  }
  return inBounds
}

function sum<T>(all: readonly T[], value: (one: T) => number): number {
  return all.reduce((total, one) => total + value(one), 0)
}

function inBraces(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escaped)}"`,
  )
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(letter: string): string {
  return letter === '\n' ? '\\n' : `\\${letter}`
}
