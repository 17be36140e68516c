import type { LeaseAnswer, LeaseStore, LeaseTerms, LeaseUse } from 'runutil/leases'

/** An acquired instant, with what the store has acknowledged of it. */
export interface Taken {
  readonly instant: number
  readonly fence: number
  /** When it was acquired, by the store's clock. */
  readonly at: number
  /** The instant up to which all had been settled by then. */
  readonly settled: number
  use: LeaseUse | undefined
}

/** Records which instants of one name a store granted, and their outcomes. */
export class LeaseLedger implements LeaseStore {
  readonly taken: Taken[] = []
  /** Undefined before the first use of the name. */
  settled: number | undefined
  readonly #store: LeaseStore
  readonly #now: () => number
  readonly #inFlight = new Set<Promise<unknown>>()

  constructor(store: LeaseStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  acquire(name: string, terms: LeaseTerms): Promise<LeaseAnswer> {
    this.settled ??= this.#now()
    return this.#follow(async () => {
      const answer = await this.#store.acquire(name, terms)
      const { settled = NaN } = this
      const instant = terms.instantMs!
      if (answer.kind === 'acquired')
        this.taken.push({ instant, fence: answer.fence, at: this.#now(), settled, use: undefined })
      return answer
    })
  }

  renew(name: string, fence: number, leaseMs: number): Promise<boolean> {
    return this.#follow(() => this.#store.renew(name, fence, leaseMs))
  }

  release(name: string, fence: number, use: LeaseUse): Promise<void> {
    return this.#follow(async () => {
      await this.#store.release(name, fence, use)
      const last = this.taken.at(-1)
      if (last?.fence !== fence || last.use !== undefined) return
      last.use = use
      if (use !== 'unused') this.settled = Math.max(this.settled!, last.instant)
    })
  }

  /** Resolves when the store has answered all calls. */
  async idle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight)
  }

  #follow<T>(call: () => Promise<T>): Promise<T> {
    const called = call()
    this.#inFlight.add(called)
    const over = (): void => void this.#inFlight.delete(called)
    called.then(over, over)
    return called
  }
}
