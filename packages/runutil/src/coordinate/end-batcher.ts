import { macrotask } from '../core/clock.ts'
import type { AttemptEnd, AttemptStore, Now } from './coordinate-store.ts'

interface Waiting {
  readonly end: AttemptEnd
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** More than this in one call would hold others up. */
const MOST = 1_000

/** Ends attempts in batches: those that come in one turn, or while a batch is on its way, share a call. */
export class EndBatcher {
  readonly #store: AttemptStore
  readonly #now: () => Now
  #waiting: Waiting[] = []
  #flushing = false

  constructor(store: AttemptStore, now: () => Now) {
    this.#store = store
    this.#now = now
  }

  /** @throws ErrNotPending, ErrLostLease, ErrGone */
  end(end: AttemptEnd): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ end, resolve, reject })
      if (!this.#flushing) void this.#flush()
    })
  }

  async #flush(): Promise<void> {
    this.#flushing = true
    await macrotask()
    while (this.#waiting.length > 0) await this.#send(this.#waiting.splice(0, MOST))
    this.#flushing = false
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    try {
      const errors = await this.#store.end(
        batch.map(({ end }) => end),
        this.#now(),
      )
      for (const [at, { resolve, reject }] of batch.entries()) {
        if (errors[at] === undefined) resolve()
        else reject(errors[at])
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
