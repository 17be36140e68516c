import type { Clock, Timer } from '../core/clock.ts'
import type { Held, JobStore } from './job-store.ts'

export interface LeaseKeeperProps<H extends Held> {
  readonly store: JobStore
  readonly leaseMs: number
  readonly clock: Clock
  /** It isn't held any more, and the handler must hear of it. */
  readonly onLost: (held: H) => void
  readonly onError: (error: unknown) => void
}

/** A job hears within a third of its lease that it was cancelled. */
const RENEWALS_PER_LEASE = 4

/**
 * Renews the leases of all jobs that a process holds, in one statement.
 *
 * One that couldn't be renewed for as long as its lease is lost, whatever the store would say: the machine slept, or
 * the store can't be reached, and others may run the job.
 */
export class LeaseKeeper<H extends Held> {
  readonly #props: LeaseKeeperProps<H>
  readonly #everyMs: number
  /** When each lease ends; on the clock's `elapsed` scale. */
  readonly #until = new Map<H, number>()
  /** The store says so, but the handler hasn't ended. Renewed on, so that a cancelled job keeps its place under the limits. */
  readonly #lost = new Set<H>()
  #timer: Timer | undefined
  #renewing = false

  constructor(props: LeaseKeeperProps<H>) {
    this.#props = props
    this.#everyMs = props.leaseMs / RENEWALS_PER_LEASE
  }

  /** @param claimedAt when the claim was sent; `elapsed` */
  add(held: H, claimedAt: number): void {
    this.#until.set(held, claimedAt + this.#props.leaseMs)
    this.#timer ??= this.#props.clock.setTimeoutAt(this.#tick, this.#props.clock.elapsed() + this.#everyMs)
  }

  delete(held: H): void {
    this.#until.delete(held)
    this.#lost.delete(held)
  }

  /** Whether its lease can't have ended yet. */
  holds(held: H): boolean {
    return (this.#until.get(held) ?? -Infinity) > this.#props.clock.elapsed()
  }

  stop(): void {
    this.#timer?.clear()
    this.#until.clear()
    this.#lost.clear()
  }

  readonly #tick = (): void => {
    const now = this.#props.clock.elapsed()
    for (const [held, until] of this.#until) {
      if (until <= now) this.#lose(held)
    }
    if (!this.#renewing && this.#until.size + this.#lost.size > 0) void this.#renew(now)
    this.#timer?.restartAt(now + this.#everyMs)
  }

  async #renew(sentAt: number): Promise<void> {
    this.#renewing = true
    const held = [...this.#until.keys(), ...this.#lost]
    try {
      const lost = new Set(await this.#props.store.renew(held, this.#props.leaseMs))
      for (const one of held) {
        // Settled in the meantime, or known to be lost.
        if (!this.#until.has(one)) continue
        if (lost.has(one)) {
          this.#lost.add(one)
          this.#lose(one)
        } else this.#until.set(one, sentAt + this.#props.leaseMs)
      }
    } catch (error) {
      this.#props.onError(error)
    } finally {
      this.#renewing = false
    }
  }

  #lose(held: H): void {
    this.#until.delete(held)
    this.#props.onLost(held)
  }
}
