import type { AttemptHandle } from './attempt-handle.ts'

/** How long before its first attempt expires a task is aborted (warning), and its attempts are failed (alarm). */
const WARNING_MS = 30_000
const ALARM_MS = 15_000

export interface Deadlines {
  /** When to abort the task, or to renew its attempts. */
  readonly warning: number
  /** When to fail the attempts. */
  readonly alarm: number
}

interface Held {
  readonly attempt: AttemptHandle
  expiresAt: number
  /** The length of the lease as of its creation or last renewal. */
  lifetimeMs: number
  /** The sequence number of the last renewal of this attempt, among all renewals. */
  renewal: number
}

/**
 * The attempts of a task that haven't ended, and when each expires, on the scale of `elapsed` of this process's clock. The expiry
 * is never later than in the store, whose clock may differ.
 */
export class HeldAttempts {
  /** The length of the lease, the same for the whole set. */
  readonly lifetimeMs: number
  readonly #held = new Map<number, Held>()
  #renewals = 0

  /** @param askedAt the time just before the attempts were requested */
  constructor(attempts: readonly AttemptHandle[], askedAt: number) {
    const { lifetimeMs } = attempts[0]!.leased
    this.lifetimeMs = lifetimeMs
    for (const attempt of attempts) {
      this.#held.set(attempt.leased.id, { attempt, expiresAt: askedAt + lifetimeMs, lifetimeMs, renewal: 0 })
    }
  }

  /** Whether no attempt is left. */
  get isEmpty(): boolean {
    return this.#held.size === 0
  }

  get all(): AttemptHandle[] {
    return this.#each(({ attempt }) => attempt)
  }

  /** When the first attempt expires; Infinity when there is none. */
  get expiresAt(): number {
    return Math.min(...this.#each(({ expiresAt }) => expiresAt))
  }

  /** The length of the shortest lease. */
  get shortestMs(): number {
    return Math.min(this.lifetimeMs, ...this.#each(({ lifetimeMs }) => lifetimeMs))
  }

  /** The earliest warning and alarm, from the leases as last renewed: at half and three quarters of a short lease. */
  deadlines(autoRenew: boolean): Deadlines {
    const most = autoRenew ? Infinity : WARNING_MS
    return {
      warning: Math.min(...this.#each((held) => held.expiresAt - Math.min(most, held.lifetimeMs / 2))),
      alarm: Math.min(...this.#each((held) => held.expiresAt - Math.min(ALARM_MS, held.lifetimeMs / 4))),
    }
  }

  /** Whether an attempt has expired. */
  hasExpired(now: number): boolean {
    return this.expiresAt <= now
  }

  has({ leased }: AttemptHandle): boolean {
    return this.#held.has(leased.id)
  }

  /** The attempts whose leases are half over. */
  halfOver(now: number): AttemptHandle[] {
    const isDue = ({ expiresAt, lifetimeMs }: Held): boolean => expiresAt - lifetimeMs / 2 <= now
    return [...this.#held.values()].filter(isDue).map(({ attempt }) => attempt)
  }

  /** The number of renewals so far. */
  get renewals(): number {
    return this.#renewals
  }

  /** @param askedAt the time just before the store was asked to renew */
  renewed({ leased }: AttemptHandle, askedAt: number, lifetimeMs: number): void {
    const renewal = ++this.#renewals
    const held = this.#held.get(leased.id)
    if (held !== undefined) Object.assign(held, { expiresAt: askedAt + lifetimeMs, lifetimeMs, renewal })
  }

  /** @param since the value of `renewals` before the store was asked; its answer may not include later renewals */
  wasRenewed({ leased }: AttemptHandle, since: number): boolean {
    return (this.#held.get(leased.id)?.renewal ?? 0) > since
  }

  /** @param attempt its current state in the store @param askedAt the time just before the store was asked */
  refreshed({ leased }: AttemptHandle, askedAt: number): void {
    const held = this.#held.get(leased.id)
    if (held === undefined) return
    held.expiresAt = askedAt + Math.min(leased.leftMs, leased.lifetimeMs)
    held.lifetimeMs = leased.lifetimeMs
  }

  drop({ leased }: AttemptHandle): void {
    this.#held.delete(leased.id)
  }

  #each<T>(of: (held: Held) => T): T[] {
    return [...this.#held.values()].map(of)
  }
}
