import type { Clock, Timer } from './clock.ts'

/** Shares of a lease's duration: when it is renewed, when a failed renewal is retried, and when it is given up. */
const RENEW = 1 / 3
const AGAIN = 1 / 12
const GIVE_UP = 5 / 6

export interface RenewedLeaseProps {
  readonly leaseMs: number
  readonly clock: Clock
  /** Extends it to `leaseMs` from now. False if another has acquired it. */
  readonly renew: () => Promise<boolean>
  /** Called once, when another has acquired it, or when it could not be renewed before it may expire. */
  readonly onLost: () => void
  /** A renewal failed; it tries again. */
  readonly onError: (error: unknown) => void
}

/**
 * Renews a lease until `stop`. Its end is counted from before the store was asked, so that here it is never later than in the
 * store. It is given up somewhat earlier, which leaves the work time to end. A renewal without an answer does not hold up the
 * next one.
 */
export class RenewedLease {
  readonly #props: RenewedLeaseProps
  /** For the next renewal, or for the end. */
  readonly #timer: Timer
  #endsAt: number
  #unanswered = 0
  #isLost = false
  #stopped = false

  /** @param askedAt when the store was asked for the lease, by the clock's `elapsed` */
  constructor(props: RenewedLeaseProps, askedAt: number) {
    const { clock, leaseMs } = props
    this.#props = props
    this.#endsAt = askedAt + leaseMs * GIVE_UP
    this.#timer = clock.setTimeoutAt(() => void this.#wake(), askedAt + leaseMs * RENEW)
  }

  /** Also detects expiry after suspension or a slow renewal. */
  isLost(): boolean {
    if (!this.#stopped && this.#props.clock.elapsed() >= this.#endsAt) this.#lose()
    return this.#isLost
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
    this.#timer.restartAt(Math.min(askedAt + leaseMs * RENEW, this.#endsAt))
    try {
      this.#unanswered++
      const renewed = await renew().finally(() => this.#unanswered--)
      if (this.#stopped) return
      if (!renewed) return this.#lose()
      this.#endsAt = Math.max(this.#endsAt, askedAt + leaseMs * GIVE_UP)
      this.#timer.restartAt(askedAt + leaseMs * RENEW)
    } catch (error) {
      if (this.#stopped) return
      onError(error)
      this.#timer.restartAt(Math.min(clock.elapsed() + leaseMs * AGAIN, this.#endsAt))
    }
  }

  #lose(): void {
    this.stop()
    this.#isLost = true
    this.#props.onLost()
  }
}
