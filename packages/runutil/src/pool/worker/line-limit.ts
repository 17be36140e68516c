import type { Clock, Timer } from '../../core/clock.ts'

/** The most lines per second of one worker; further lines are only counted. */
const MOST_LINES = 1_000
const WINDOW_MS = 1_000

/** Limits the lines per second, so that a runaway worker can't flood the log, and reports how many were dropped. */
export class LineLimit<S extends string> {
  readonly #clock: Clock
  readonly #onLine: (stream: S, line: string) => void
  #passed = 0
  #dropped = 0
  /** Runs from a second's first line to its end. */
  #window: Timer | undefined

  constructor(clock: Clock, onLine: (stream: S, line: string) => void) {
    this.#clock = clock
    this.#onLine = onLine
  }

  take(stream: S, line: string): void {
    this.#window ??= this.#clock.setTimeout(() => this.close(stream), WINDOW_MS)
    if (this.#passed++ < MOST_LINES) this.#onLine(stream, line)
    else this.#dropped++
  }

  /** Called when the second is over, or the stream has ended. */
  close(stream: S): void {
    const dropped = this.#dropped
    this.#window?.clear()
    this.#window = undefined
    this.#passed = this.#dropped = 0
    if (dropped > 0) this.#onLine(stream, `${dropped} more lines within a second were left out`)
  }
}
