import { type CountedDurations, HistogramSeries, type Series, ValueSeries } from './series.ts'

export interface MetricFamilyProps {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** The names of the labels: two at most. */
  readonly labels: readonly string[]
}

/**
 * All series of one name, in the text format of Prometheus. Made once and told at each scrape what there is: what has not changed since
 * the scrape before isn't written again. It keeps the text of the last scrape, and nothing of a series that was not in it.
 */
export class MetricFamily {
  readonly #props: MetricFamilyProps
  readonly #header: string
  /** By the values of their labels; '' for a label that there isn't. */
  readonly #series = new Map<string, Map<string, Series>>()
  #scrape = 1
  #linesWritten = 0
  /** Since the last text. */
  #hasChanged = false
  #text = ''

  constructor(props: MetricFamilyProps) {
    this.#props = props
    const { name, help, type } = props
    this.#header = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  }

  /** How many lines were written rather than kept, since it was made. */
  get linesWritten(): number {
    return this.#linesWritten
  }

  /** How many series it keeps. */
  get size(): number {
    let size = 0
    for (const series of this.#series.values()) size += series.size
    return size
  }

  /** @param first the value of the first label */
  set(value: number, first = '', second = ''): void {
    this.#written(this.#of(first, second, ValueSeries).set(value))
  }

  /** Of a histogram. @param perDoubling how many buckets of `counts` are from one duration to its double */
  setDurations(all: readonly CountedDurations[], perDoubling: number, first = '', second = ''): void {
    this.#written(this.#of(first, second, HistogramSeries).set(all, perDoubling))
  }

  #written(lines: number): void {
    if (lines === 0) return
    this.#linesWritten += lines
    this.#hasChanged = true
  }

  #of<S extends Series>(first: string, second: string, Kind: new (name: string, braces: string) => S): S {
    let bySecond = this.#series.get(first)
    if (bySecond === undefined) this.#series.set(first, (bySecond = new Map<string, Series>()))
    let series = bySecond.get(second) as S | undefined
    if (series === undefined) {
      series = new Kind(this.#props.name, this.#inBraces([first, second]))
      bySecond.set(second, series)
    }
    series.scrape = this.#scrape
    return series
  }

  #inBraces(values: readonly string[]): string {
    const { labels } = this.#props
    if (labels.length === 0) return ''
    const pairs = labels.map((label, at) => `${label}="${values[at]!.replace(/[\\"\n]/g, escaped)}"`)
    return `{${pairs.join(',')}}`
  }

  /** Ends a scrape: the text of what was set since the one before, '' without any. All else is forgotten. */
  text(): string {
    this.#forgetOthers()
    this.#scrape++
    if (!this.#hasChanged) return this.#text
    this.#hasChanged = false
    let text = this.#series.size === 0 ? '' : this.#header
    // Not joined: the whole is copied once, when it is sent.
    for (const bySecond of this.#series.values()) for (const series of bySecond.values()) text += series.text
    return (this.#text = text)
  }

  #forgetOthers(): void {
    for (const [first, bySecond] of this.#series) {
      for (const [second, { scrape }] of bySecond) {
        if (scrape === this.#scrape) continue
        bySecond.delete(second)
        this.#hasChanged = true
      }
      if (bySecond.size === 0) this.#series.delete(first)
    }
  }
}

function escaped(letter: string): string {
  return letter === '\n' ? '\\n' : `\\${letter}`
}
