/** By less than this, a clock is set without a word: whatever is compared has that much to spare. */
export const LEAST_STEP_MS = 1_000

/** How far one clock is ahead of another, as far as this is known. */
interface Ahead {
  readonly least: number
  readonly most: number
}

/**
 * Notices that a clock was set, by another that never is.
 *
 * What is read late looks as if the clock had been set, and then back. So a step is seen at once, and told when the next
 * look still finds it.
 */
export class ClockSteps {
  #last: Ahead | undefined
  #told: Ahead | undefined

  /**
   * @param time what the clock said at some moment between the others; all in ms
   * @returns by how much it was set since the last look, and by how much as it is now sure; 0 when it wasn't
   */
  look(time: number, from: number, to = from): { seenMs: number; sureMs: number } {
    const ahead = { least: time - to, most: time - from }
    const seenMs = stepBetween(this.#last ?? ahead, ahead)
    this.#last = ahead
    if (seenMs !== 0) return { seenMs, sureMs: 0 }
    const sureMs = stepBetween(this.#told ?? ahead, ahead)
    this.#told = ahead
    return { seenMs, sureMs }
  }
}

function stepBetween(before: Ahead, now: Ahead): number {
  const step = Math.max(0, now.least - before.most) + Math.min(0, now.most - before.least)
  return Math.abs(step) < LEAST_STEP_MS ? 0 : step
}
