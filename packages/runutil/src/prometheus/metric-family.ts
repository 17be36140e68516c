import type { HistogramCounts } from '../core/histogram.ts'

export type Labels = Readonly<Record<string, string>>

/** Durations, to be one series of a histogram. */
export interface CountedDurations {
  /** Also those that took no time at all, and are in no bucket. */
  readonly count: number
  readonly sumMs: number
  readonly counts: HistogramCounts
}

/** Doublings of 0.01 ms: from 0.64 ms to 45 minutes, each four times the one before. */
const DOUBLINGS = [6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28]
const BOUNDS = DOUBLINGS.map((doublings) => ({
  doublings,
  le: String(Number((1e-5 * 2 ** doublings).toPrecision(6))),
}))

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
    const count = sum(all, (one) => one.count)
    const inBuckets = sum(all, ({ counts }) => sum(counts.counts, (some) => some))
    for (const { doublings, le } of BOUNDS) {
      const upTo = sum(all, ({ counts }) => countUpTo(counts, doublings * perDoubling))
      this.#line(`${this.#name}_bucket`, inBraces({ ...labels, le }), count - inBuckets + upTo)
    }
    this.#line(`${this.#name}_bucket`, inBraces({ ...labels, le: '+Inf' }), count)
    this.#line(`${this.#name}_sum`, inBraces(labels), sum(all, ({ sumMs }) => sumMs) / 1_000)
    this.#line(`${this.#name}_count`, inBraces(labels), count)
  }

  #line(name: string, labels: string, value: number): void {
    this.#lines.push(`${name}${labels} ${value}\n`)
  }
}

/** How many are in the buckets up to that one. */
function countUpTo({ first, counts }: HistogramCounts, bucket: number): number {
  return sum(counts.slice(0, Math.max(0, bucket - first + 1)), (some) => some)
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
