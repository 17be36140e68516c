/** A smaller step of a clock is ignored: whatever is compared has that much tolerance. */
export const LEAST_STEP_MS = 1_000

/** How far one clock is ahead of another, as far as this is known. */
interface Ahead {
  readonly least: number
  readonly most: number
}

/**
 * Detects steps of a clock by comparing it with one that never steps.
 *
 * A late reading looks like a step and a step back. So a step is seen at once, and is sure when the next reading confirms it.
 */
export class ClockSteps {
  #last: Ahead | undefined
  #confirmed: Ahead | undefined

  /**
   * @param time what the clock said at some moment between the others; all in ms
   * @returns by how much it was set since the last look, and by how much as it is now sure; 0 when it wasn't
   */
  look(time: number, from: number, to = from): { seenMs: number; sureMs: number } {
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
