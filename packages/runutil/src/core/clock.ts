/**
 * The only source of time and randomness. Everything in runutil takes it from here, so a test can put a
 * virtual one in its place. Callbacks run in the AsyncLocalStorage stores in which their timer was first set.
 */
export interface Clock {
  /** The time of day in ms since the Unix epoch. May jump when the machine's clock is set. */
  now(): number
  /**
   * Ms since some fixed moment; never jumps, so use it to measure intervals. Constant within one turn of the event
   * loop, so that timers started together fire together.
   */
  elapsed(): number
  /**
   * As `elapsed()`, but read anew, which moves this turn's time on: for how long code took that may have blocked the turn.
   * Without it, `elapsed()` is used.
   */
  elapsedNow?(): number
  /** A number in [0, 1). */
  random(): number
  /** Calls back once, never early. 0 ms means the next macrotask; there is no upper limit. NaN is an error. */
  setTimeout(callback: () => void, delayMs: number): Timer
  /**
   * As setTimeout, at a moment on the scale of `elapsed()`. A past moment means the next macrotask.
   *
   * @param entersStores the callback enters its own stores, so the clock need not capture any, which costs less
   */
  setTimeoutAt(callback: () => void, elapsedMs: number, entersStores?: boolean): Timer
}

/** A callback that a clock is to make. */
export interface Timer {
  /** Safe to call at any time, more than once. */
  clear(): void
  /** Reschedules it, whether it has fired, was cleared or is pending, so that a ticker needs no new timer each time. */
  restartAt(elapsedMs: number): void
}

/** How long the process has run by that clock, read anew; see `Clock.elapsedNow`. */
export function elapsedNow(clock: Clock): number {
  return clock.elapsedNow === undefined ? clock.elapsed() : clock.elapsedNow()
}
