import type { Clock } from '../core/clock.ts'

/** Disposal has at least so long, however much of the grace period the workers took. */
const LEAST_MS = 1_000

/** The time that a run has to end, counted from its stop. */
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

  /** On the scale of `clock.elapsed()`, once it has begun. Undefined: no limit. */
  get endsAt(): number | undefined {
    return this.#endsAt === Infinity ? undefined : this.#endsAt
  }

  /** What is left of it for disposing of things; it begins now if it hasn't. */
  get leftMs(): number {
    this.begin()
    return Math.max(LEAST_MS, this.#endsAt! - this.#clock.elapsed())
  }
}
