import { Piece } from './piece.ts'
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
  readonly #series = new Map<string, Map<string, Kept>>()
  /** All series, in pieces of text. */
  #pieces: Piece[] = []
  #scrape = 1
  #linesWritten = 0

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
    const kept = this.#of(first, second, ValueSeries)
    this.#written(kept, kept.series.set(value))
  }

  /** Of a histogram. @param perDoubling how many buckets of `counts` are from one duration to its double */
  setDurations(all: readonly CountedDurations[], perDoubling: number, first = '', second = ''): void {
    const kept = this.#of(first, second, HistogramSeries)
    this.#written(kept, kept.series.set(all, perDoubling))
  }

  #written({ piece }: Kept, lines: number): void {
    if (lines === 0) return
    this.#linesWritten += lines
    piece.changed()
  }

  #of<S extends Series>(
    first: string,
    second: string,
    Kind: new (name: string, braces: string) => S,
  ): Kept<S> {
    let bySecond = this.#series.get(first)
    if (bySecond === undefined) this.#series.set(first, (bySecond = new Map<string, Kept>()))
    let kept = bySecond.get(second) as Kept<S> | undefined
    if (kept === undefined) {
      const series = new Kind(this.#props.name, this.#inBraces([first, second]))
      bySecond.set(second, (kept = { series, piece: this.#pieceFor(series), scrape: 0 }))
    }
    kept.scrape = this.#scrape
    return kept
  }

  #pieceFor(series: Series): Piece {
    let piece = this.#pieces.findLast(({ isFull }) => !isFull)
    if (piece === undefined) this.#pieces.push((piece = new Piece()))
    piece.add(series)
    return piece
  }

  #inBraces(values: readonly string[]): string {
    const { labels } = this.#props
    if (labels.length === 0) return ''
    const pairs = labels.map((label, at) => `${label}="${values[at]!.replace(/[\\"\n]/g, escaped)}"`)
    return `{${pairs.join(',')}}`
  }

  /** Ends a scrape: what was set since the one before, as text in pieces, none without any. All else is forgotten. */
  pieces(): string[] {
    this.#forgetOthers()
    this.#scrape++
    return this.#pieces.length === 0 ? [] : [this.#header, ...this.#pieces.map(({ text }) => text)]
  }

  #forgetOthers(): void {
    for (const [first, bySecond] of this.#series) {
      for (const [second, { series, piece, scrape }] of bySecond) {
        if (scrape === this.#scrape) continue
        bySecond.delete(second)
        piece.delete(series)
      }
      if (bySecond.size === 0) this.#series.delete(first)
    }
    this.#pieces = this.#pieces.filter(({ isEmpty }) => !isEmpty)
  }
}

/** A series, and where its text is. */
interface Kept<S extends Series = Series> {
  readonly series: S
  readonly piece: Piece
  /** The number of the scrape that it was last told in. */
  scrape: number
}

function escaped(letter: string): string {
  return letter === '\n' ? '\\n' : `\\${letter}`
}
