import type { Clock, Timer } from './clock.ts'

/** Shares of a lease's duration: when it is renewed, when a failed renewal is retried, and when it is given up. */
const RENEW_AT = 1 / 3
const RETRY_AFTER = 1 / 12
const GIVE_UP_AT = 5 / 6

export interface RenewedLeaseProps {
  readonly leaseMs: number
  readonly clock: Clock
  /** Extends the lease to `leaseMs` from now. False if another holder has acquired it. */
  readonly renew: () => Promise<boolean>
  /** Called once, when another holder has acquired the lease, or when it could not be renewed before it may expire. */
  readonly onLost: () => void
  /** Called when a renewal has failed; it is retried. */
  readonly onError: (error: unknown) => void
}

/**
 * Renews a lease until `stop`. Its expiry is counted from before the request to the store, so it is never later here than in the
 * store. The lease is given up somewhat earlier, which leaves the work time to end. An unanswered renewal does not delay the
 * next one.
 */
export class RenewedLease {
  readonly #props: RenewedLeaseProps
  /** Fires at the next renewal, or when the lease is given up. */
  readonly #timer: Timer
  #expiresAt: number
  #unanswered = 0
  #isLost = false
  #stopped = false

  /** @param askedAt when the lease was requested from the store, on the scale of `clock.elapsed()` */
  constructor(props: RenewedLeaseProps, askedAt: number) {
    const { clock, leaseMs } = props
    this.#props = props
    this.#expiresAt = askedAt + leaseMs
    this.#timer = clock.setTimeoutAt(() => void this.#wake(), askedAt + leaseMs * RENEW_AT)
  }

  /** Also detects expiry after suspension or a slow renewal. */
  isLost(): boolean {
    if (!this.#stopped && this.#props.clock.elapsed() >= this.#endsAt) this.#lose()
    return this.#isLost
  }

  /** When the lease expires unless it is renewed, on the scale of `clock.elapsed()`. */
  get expiresAt(): number {
    return this.#expiresAt
  }

  /** When the lease is given up unless it is renewed. */
  get #endsAt(): number {
    return this.#expiresAt - this.#props.leaseMs * (1 - GIVE_UP_AT)
  }

  stop(): void {
    this.#stopped = true
    this.#timer.clear()
  }

  async #wake(): Promise<void> {
    const { renew, leaseMs, clock, onError } = this.#props
    if (this.isLost()) return
    const askedAt = clock.elapsed()
    if (this.#unanswered > 0) onError(new Error('the last renewal was not answered'))
    this.#timer.restartAt(Math.min(askedAt + leaseMs * RENEW_AT, this.#endsAt))
    try {
      this.#unanswered++
      const renewed = await renew().finally(() => this.#unanswered--)
      if (this.#stopped) return
      if (!renewed) return this.#lose()
      this.#expiresAt = Math.max(this.#expiresAt, askedAt + leaseMs)
      this.#timer.restartAt(askedAt + leaseMs * RENEW_AT)
    } catch (error) {
      if (this.#stopped) return
      onError(error)
      this.#timer.restartAt(Math.min(clock.elapsed() + leaseMs * RETRY_AFTER, this.#endsAt))
    }
  }

  #lose(): void {
    this.stop()
    this.#isLost = true
    this.#props.onLost()
  }
}
