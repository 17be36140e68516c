/** Smaller steps of a clock are ignored: all comparisons have that much tolerance. */
export const LEAST_STEP_MS = 1_000

/** Bounds on how far one clock is ahead of another. */
interface Ahead {
  readonly least: number
  readonly most: number
}

/**
 * Detects steps of a clock by comparing it with one that never steps.
 *
 * A late reading looks like a step and a step back. So a step is reported at once, and is certain once the next reading confirms it.
 */
export class ClockSteps {
  #last: Ahead | undefined
  #confirmed: Ahead | undefined

  /**
   * @param time the clock's reading at some moment between the other two; all in ms
   * @returns the step since the last reading, and the step that is now certain; 0 for none
   */
  check(time: number, from: number, to = from): { seenMs: number; sureMs: number } {
    const ahead = { least: time - to, most: time - from }
    const seenMs = stepBetween(this.#last ?? ahead, ahead)
    this.#last = ahead
    if (seenMs !== 0) return { seenMs, sureMs: 0 }
    const sureMs = stepBetween(this.#confirmed ?? ahead, ahead)
    this.#confirmed = ahead
    return { seenMs, sureMs }
  }
}

function stepBetween(before: Ahead, now: Ahead): number {
  const step = Math.max(0, now.least - before.most) + Math.min(0, now.most - before.least)
  return Math.abs(step) < LEAST_STEP_MS ? 0 : step
}
