import { type Clock, macrotask } from '../core/clock.ts'
import { within } from '../core/within.ts'
import type { JobStore } from './job-store.ts'
import type { Settlement } from './outcome.ts'
import { untilAvailable } from '../core/until-available.ts'

export interface SettlerProps<S extends Settlement> {
  readonly store: JobStore
  readonly clock: Clock
  readonly onSettled: (batch: readonly S[]) => void
  readonly onRetry: (error: unknown, delayMs: number) => void
}

/**
 * Records outcomes in batches: what comes while one batch is on its way makes the next.
 *
 * A store that can't be reached is tried again and again; the fence makes that safe.
 */
export class Settler<S extends Settlement> {
  readonly #props: SettlerProps<S>
  #waiting: S[] = []
  #flushing: Promise<void> | undefined
  #unsettled = 0
  #giveUpAt = Infinity

  constructor(props: SettlerProps<S>) {
    this.#props = props
  }

  /** How many outcomes aren't recorded yet. */
  get unsettled(): number {
    return this.#unsettled
  }

  /** @param onFailure what the store says when it refuses for good */
  add(settlement: S, onFailure: (error: unknown) => void): void {
    this.#unsettled++
    this.#waiting.push(settlement)
    this.#flushing ??= this.#flush().catch(onFailure)
  }

  /** Resolves when all is recorded or, after `patienceMs`, given up, whether the store answers or not. */
  async finish(patienceMs: number): Promise<void> {
    const { clock } = this.#props
    this.#giveUpAt = clock.elapsed() + patienceMs
    while (this.#flushing !== undefined) {
      const inTime = await within(this.#flushing, Math.max(0, this.#giveUpAt - clock.elapsed()), clock)
      if (!inTime) return
    }
  }

  async #flush(): Promise<void> {
    try {
      // Others that end in the same turn come along.
      await macrotask()
      while (this.#waiting.length > 0) {
        const batch = this.#waiting
        this.#waiting = []
        await this.#settle(batch)
        this.#unsettled -= batch.length
        this.#props.onSettled(batch)
      }
    } finally {
      this.#flushing = undefined
    }
  }

  async #settle(batch: S[]): Promise<void> {
    const { store, clock, onRetry } = this.#props
    const givesUp = (): boolean => clock.elapsed() >= this.#giveUpAt
    await untilAvailable(() => store.settle(batch), { clock, givesUp, onRetry })
  }
}
