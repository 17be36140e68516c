import type { Clock } from '../core/clock.ts'

/** How long disposal may take at least, even if the workers used up the grace period. */
const LEAST_MS = 1_000

/** The time that a run has to end, counted from its stop. */
export class Grace {
  /** Undefined: no limit. */
  readonly ms: number | undefined
  readonly #clock: Clock
  #beganAt = 0
  #endsAt: number | undefined

  constructor(ms: number | undefined, clock: Clock) {
    this.ms = ms
    this.#clock = clock
  }

  begin(): void {
    if (this.#endsAt !== undefined) return
    this.#beganAt = this.#clock.elapsed()
    this.#endsAt = this.#beganAt + (this.ms ?? Infinity)
  }

  /** How long ago it began. */
  get spentMs(): number {
    return this.#clock.elapsed() - this.#beganAt
  }

  /** On the scale of `clock.elapsed()`, once it has begun. Undefined: no limit. */
  get endsAt(): number | undefined {
    return this.#endsAt === Infinity ? undefined : this.#endsAt
  }

  /** What is left of it for disposal; starts it if it has not begun. */
  get leftMs(): number {
    this.begin()
    return Math.max(LEAST_MS, this.#endsAt! - this.#clock.elapsed())
  }
}
