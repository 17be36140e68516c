import type { LeasedAttempt } from './attempt.ts'

/** Before the first attempt of a task expires: so long before it is told to stop, and then given up. */
const WARNING_MS = 30_000
const ALARM_MS = 15_000

export interface Moments {
  /** When the task is told to stop, or its attempts are renewed. */
  readonly warning: number
  /** When they are given up. */
  readonly alarm: number
}

/**
 * The attempts that a task was handed and hasn't ended, and when each expires: by the clock's `elapsed` here, and no later
 * than in the store, whose clock may show another time.
 */
export class HeldAttempts {
  /** All of a set were leased for the same time. */
  readonly lifetimeMs: number
  readonly #held = new Map<number, { readonly attempt: LeasedAttempt; expiresAt: number }>()
  /** Between the store's clock and the one here. */
  readonly #ahead: number

  /** @param askedAt before they were requested */
  constructor(attempts: readonly LeasedAttempt[], askedAt: number) {
    const { startTime, expirationTime } = attempts[0]!.leased
    this.lifetimeMs = expirationTime - startTime
    this.#ahead = startTime - askedAt
    for (const attempt of attempts) {
      this.#held.set(attempt.leased.id, { attempt, expiresAt: askedAt + this.lifetimeMs })
    }
  }

  /** None is left. */
  get isEmpty(): boolean {
    return this.#held.size === 0
  }

  get all(): LeasedAttempt[] {
    return [...this.#held.values()].map(({ attempt }) => attempt)
  }

  /** When the first of them expires; never when there is none. */
  get expiresAt(): number {
    return Math.min(...[...this.#held.values()].map(({ expiresAt }) => expiresAt))
  }

  moments(autoRenew: boolean): Moments {
    const first = this.expiresAt
    const half = this.lifetimeMs / 2
    return {
      warning: first - (autoRenew ? half : Math.min(WARNING_MS, half)),
      alarm: first - Math.min(ALARM_MS, half / 2),
    }
  }

  /** Whether one has expired by now. */
  hasExpired(now: number): boolean {
    return [...this.#held.values()].some(({ expiresAt }) => expiresAt <= now)
  }

  has({ leased }: LeasedAttempt): boolean {
    return this.#held.has(leased.id)
  }

  dueBy(expiry: number): LeasedAttempt[] {
    return [...this.#held.values()]
      .filter(({ expiresAt }) => expiresAt <= expiry)
      .map(({ attempt }) => attempt)
  }

  /** @param askedAt before the store was asked to */
  renewed(attempt: LeasedAttempt, askedAt: number): void {
    this.#expires(attempt, askedAt + this.lifetimeMs)
  }

  /** @param attempt as the store has it now */
  saw(attempt: LeasedAttempt): void {
    this.#expires(attempt, attempt.leased.expirationTime - this.#ahead)
  }

  drop({ leased }: LeasedAttempt): void {
    this.#held.delete(leased.id)
  }

  #expires({ leased }: LeasedAttempt, expiresAt: number): void {
    const held = this.#held.get(leased.id)
    if (held !== undefined) held.expiresAt = expiresAt
  }
}
