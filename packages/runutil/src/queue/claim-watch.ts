import type { Clock, Timer } from '../core/clock.ts'
import type { RunLog } from './run-log.ts'

export interface ClaimWatchProps {
  readonly clock: Clock
  readonly leaseMs: number
  /** Notified once, until a claim is answered. */
  readonly log: RunLog
}

/** Reports when no claim has been answered for the length of a lease. */
export class ClaimWatch {
  readonly #props: ClaimWatchProps
  #sentAt: number | undefined
  #timer: Timer | undefined
  #armed = false

  constructor(props: ClaimWatchProps) {
    this.#props = props
  }

  claimSent(): void {
    const { clock, leaseMs } = this.#props
    this.#sentAt = clock.elapsed()
    // One timer for all claims: when it fires, it is armed for the latest one.
    if (!this.#armed) this.#arm(this.#sentAt + leaseMs)
  }

  claimAnswered(): void {
    this.#sentAt = undefined
  }

  stop(): void {
    this.#timer?.clear()
  }

  #arm(at: number): void {
    this.#armed = true
    if (this.#timer === undefined) this.#timer = this.#props.clock.setTimeoutAt(this.#check, at)
    else this.#timer.restartAt(at)
  }

  readonly #check = (): void => {
    const { clock, leaseMs, log } = this.#props
    this.#armed = false
    if (this.#sentAt === undefined) return
    const at = this.#sentAt + leaseMs
    if (at <= clock.elapsed()) log.silent(leaseMs)
    else this.#arm(at)
  }
}
