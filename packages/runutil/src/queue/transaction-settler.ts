import { ExponentialBackoff } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import { sleep } from '../core/wait.ts'
import { within } from '../core/within.ts'
import { TransactionOpenError } from './errors.ts'
import type { JobStore } from './job-store.ts'
import type { Settlement } from './outcome.ts'

export interface TransactionSettlerProps<S extends Settlement> {
  readonly store: JobStore
  readonly clock: Clock
  readonly onSettled: (batch: readonly S[]) => void
  /** As that of a Settler. */
  readonly onLost: (lost: readonly S[]) => void
  readonly onRetry: (error: unknown, delayMs: number) => void
  /** The store refused the outcome. */
  readonly onRefused: (settlement: S) => void
}

const BETWEEN_TRIES = new ExponentialBackoff({ initial: 20, max: 1_000, jitterProportion: 0.5 })

/**
 * Records the handler results of jobs that were completed in callers' transactions. Such a transaction may stay open for
 * long: each is waited for alone, and delays no other job.
 */
export class TransactionSettler<S extends Settlement> {
  readonly #props: TransactionSettlerProps<S>
  readonly #open = new Set<Promise<void>>()
  #giveUpAt = Infinity

  constructor(props: TransactionSettlerProps<S>) {
    this.#props = props
  }

  add(settlement: S): void {
    const settled = this.#settle(settlement).finally(() => this.#open.delete(settled))
    this.#open.add(settled)
  }

  /** Resolves when all is recorded or, after `patienceMs`, given up: then the transaction or the lease's expiry decides. */
  async finish(patienceMs: number): Promise<void> {
    const { clock } = this.#props
    this.#giveUpAt = clock.elapsed() + patienceMs
    while (this.#open.size > 0) {
      if (!(await within(Promise.all(this.#open), Math.max(0, this.#giveUpAt - clock.elapsed()), clock)))
        return
    }
  }

  async #settle(settlement: S): Promise<void> {
    const { store, clock, onSettled, onLost, onRetry, onRefused } = this.#props
    for (let attempt = 1; ; attempt++) {
      try {
        onLost(await store.settle([settlement], { afterTransaction: true }))
        return onSettled([settlement])
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) return onRefused(settlement)
        if (clock.elapsed() >= this.#giveUpAt) return
        const delayMs = BETWEEN_TRIES.duration(attempt, clock)
        if (!(error instanceof TransactionOpenError)) onRetry(error, delayMs)
        await sleep(clock, delayMs)
      }
    }
  }
}
