import type { Clock } from '../core/clock.ts'

/** What is made for a run has so long to end, however much of the grace period its workers took. */
const LEAST_MS = 1_000

/** The time that a run has for ending, from when it is told to stop. */
export class Grace {
  /** Undefined: no limit. */
  readonly ms: number | undefined
  readonly #clock: Clock
  #endsAt: number | undefined

  constructor(ms: number | undefined, clock: Clock) {
    this.ms = ms
    this.#clock = clock
  }

  begin(): void {
    this.#endsAt ??= this.#clock.elapsed() + (this.ms ?? Infinity)
  }

  /** What is left of it for disposing of things; it begins now if it hasn't. */
  get leftMs(): number {
    this.begin()
    return Math.max(LEAST_MS, this.#endsAt! - this.#clock.elapsed())
  }
}
