import type { Series } from './series.ts'

/** Of a histogram with long labels, some 60 kB of text. */
const MOST_SERIES = 40

/**
 * Some series of a family, and their text, which is kept until one of them changes. A text of a megabyte would be made in fresh memory of
 * the system at each scrape, which costs more than all else of it; that of a piece is small enough for memory that is used again.
 */
export class Piece {
  readonly #series = new Set<Series>()
  #text: string | undefined

  get isFull(): boolean {
    return this.#series.size >= MOST_SERIES
  }

  get isEmpty(): boolean {
    return this.#series.size === 0
  }

  add(series: Series): void {
    this.#series.add(series)
    this.#text = undefined
  }

  delete(series: Series): void {
    this.#series.delete(series)
    this.#text = undefined
  }

  /** After one of the series was written anew. */
  changed(): void {
    this.#text = undefined
  }

  get text(): string {
    // Joined to one flat string, where concatenation would make a tree that is walked each time it is sent.
    return (this.#text ??= Array.from(this.#series, ({ text }) => text).join(''))
  }
}
