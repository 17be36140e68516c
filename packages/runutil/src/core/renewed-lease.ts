import type { Clock, Timer } from './clock.ts'

/** Of the time that a lease lasts: when it is renewed, again after that failed, and when it is given up. */
const RENEW = 1 / 3
const AGAIN = 1 / 12
const GIVE_UP = 5 / 6

/** Of one that was asked for then, until when it may be used, by the clock's `elapsed`. */
export function usableUntil(askedAt: number, leaseMs: number): number {
  return askedAt + leaseMs * GIVE_UP
}

export interface RenewedLeaseProps {
  readonly leaseMs: number
  readonly clock: Clock
  /** Makes it last for `leaseMs` from now. False when another has taken it. */
  readonly renew: () => Promise<boolean>
  /** Called once, when another has taken it, or it may soon be over and couldn't be renewed. */
  readonly onLost: () => void
  /** A renewal failed; it tries again. */
  readonly onError: (error: unknown) => void
}

/**
 * Renews a lease until `stop`. What it knows of its end is counted from before the store was asked, so that here it ends
 * no later than there; it is given up somewhat earlier, which is the time that the work has for ending.
 */
export class RenewedLease {
  readonly #props: RenewedLeaseProps
  readonly #renewal: Timer
  readonly #end: Timer
  #endsAt: number
  #stopped = false

  /** @param askedAt when the store was asked for the lease, by the clock's `elapsed` */
  constructor(props: RenewedLeaseProps, askedAt: number) {
    const { clock, leaseMs } = props
    this.#props = props
    this.#renewal = clock.setTimeoutAt(() => void this.#renew(), askedAt + leaseMs * RENEW)
    this.#endsAt = usableUntil(askedAt, leaseMs)
    this.#end = clock.setTimeoutAt(() => this.#lose(), this.#endsAt)
  }

  stop(): void {
    this.#stopped = true
    this.#renewal.clear()
    this.#end.clear()
  }

  async #renew(): Promise<void> {
    const { renew, leaseMs, clock, onError } = this.#props
    const askedAt = clock.elapsed()
    // A process that was frozen finds both timers due: by now another may have it.
    if (askedAt >= this.#endsAt) return this.#lose()
    try {
      const renewed = await renew()
      if (this.#stopped) return
      if (!renewed) return this.#lose()
      this.#endsAt = usableUntil(askedAt, leaseMs)
      this.#end.restartAt(this.#endsAt)
      this.#renewal.restartAt(askedAt + leaseMs * RENEW)
    } catch (error) {
      if (this.#stopped) return
      onError(error)
      this.#renewal.restartAt(clock.elapsed() + leaseMs * AGAIN)
    }
  }

  #lose(): void {
    this.stop()
    this.#props.onLost()
  }
}
