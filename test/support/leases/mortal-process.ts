import type { Clock, Timer } from 'runutil'
import type { LeaseStore } from 'runutil/leases'
import type { VirtualClock } from 'runutil/testing'

export interface MortalProcessProps {
  readonly clock: VirtualClock
  readonly leases: LeaseStore
  /** The latency of a call to the store, and of its answer. */
  readonly latencyMs: number
  /** The offset of its time of day. */
  readonly apartMs: number
}

/** The clock and store of a process that can die: then its timers stop firing, and no call or answer arrives any more. */
export class MortalProcess {
  apartMs: number
  readonly clock: Clock
  readonly leases: LeaseStore
  readonly #props: MortalProcessProps
  readonly #lost: (() => void)[] = []
  #state: 'alive' | 'dead' | 'buried' = 'alive'

  constructor(props: MortalProcessProps) {
    this.#props = props
    this.apartMs = props.apartMs
    this.clock = this.#ownClock()
    this.leases = this.#ownLeases()
  }

  get isAlive(): boolean {
    return this.#state === 'alive'
  }

  die(): void {
    if (this.#state === 'alive') this.#state = 'dead'
  }

  /** Lets the rest of its code run to its end, without a store, so that a test leaves nothing behind. */
  bury(): void {
    this.#state = 'buried'
    for (const goOn of this.#lost.splice(0)) goOn()
  }

  #ownClock(): Clock {
    const { clock } = this.#props
    const living = (callback: () => void) => (): void => {
      if (this.#state === 'dead') this.#lost.push(callback)
      else callback()
    }
    return {
      now: () => clock.now() + this.apartMs,
      elapsed: () => clock.elapsed(),
      random: () => clock.random(),
      setTimeout: (callback, delayMs): Timer => clock.setTimeout(living(callback), delayMs),
      setTimeoutAt: (callback, elapsedMs): Timer => clock.setTimeoutAt(living(callback), elapsedMs),
    }
  }

  #ownLeases(): LeaseStore {
    const { leases } = this.#props
    return {
      acquire: (...args) => this.#call(() => leases.acquire(...args)),
      renew: (...args) => this.#call(() => leases.renew(...args)),
      release: (...args) => this.#call(() => leases.release(...args)),
    }
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    await this.#travel()
    const answer = await call()
    await this.#travel()
    return answer
  }

  /** A message in transit when the process dies does not arrive. */
  async #travel(): Promise<void> {
    const { clock, latencyMs } = this.#props
    if (latencyMs > 0) await new Promise<void>((resolve) => clock.setTimeout(resolve, latencyMs))
    if (this.#state === 'dead') await new Promise<void>((resolve) => this.#lost.push(resolve))
    if (this.#state === 'buried') throw new Error('its process is dead')
  }
}
