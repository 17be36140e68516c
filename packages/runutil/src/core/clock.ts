/**
 * The only source of time and randomness. Everything in runutil takes it from here, so a test can put a
 * virtual one in its place. Callbacks run in the AsyncLocalStorage stores in which their timer was first set.
 */
export interface Clock {
  /** The time of day in ms since the Unix epoch. May jump when the machine's clock is set. */
  now(): number
  /**
   * Ms since some fixed moment; never jumps, so it is what intervals are measured with. The same all through one
   * turn of the event loop, so that what begins together stays together.
   */
  elapsed(): number
  /** A number in [0, 1). */
  random(): number
  /** Calls back once, never early. 0 ms means the next macrotask; there is no upper limit. NaN is an error. */
  setTimeout(callback: () => void, delayMs: number): Timer
  /**
   * As setTimeout, at a moment on the scale of `elapsed()`. A moment that is over means the next macrotask.
   *
   * @param entersStores the callback enters stores of its own first, so that it may be called in any, which costs less
   */
  setTimeoutAt(callback: () => void, elapsedMs: number, entersStores?: boolean): Timer
}

export interface Timer {
  /** Safe to call at any time, more than once. */
  clear(): void
  /** Sets it again, whether it has fired, was cleared or still waits; a ticker needs no new timer each time. */
  restartAt(elapsedMs: number): void
}
