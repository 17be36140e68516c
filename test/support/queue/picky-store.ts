import { type JobStore, type Settlement, StoreUnavailableError } from 'runutil/queue'

/** Why a store records no batch that has this one in it; undefined: it does. */
export type Objection = (settlement: Settlement) => Error | undefined

/** A store that records a batch only if it objects to none of its outcomes, and tells of each batch that it was asked for. */
export class PickyStore {
  readonly store: JobStore
  /** The ids of each batch. */
  readonly batches: string[][] = []
  objection: Objection

  constructor(inner: JobStore, objection: Objection = () => undefined) {
    this.objection = objection
    this.store = new Proxy(inner, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (name === 'settle') return (batch: readonly Settlement[]) => this.#settle(target, batch)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  async #settle(inner: JobStore, batch: readonly Settlement[]): Promise<Settlement[]> {
    this.batches.push(batch.map(({ id }) => id))
    for (const settlement of batch) {
      const error = this.objection(settlement)
      if (error !== undefined) throw error
    }
    return inner.settle(batch)
  }
}

/** What a server says in passing: it lives, and can't for now. */
export function heldUp(): StoreUnavailableError {
  return new StoreUnavailableError('canceling statement due to statement timeout', {
    outcomeUnknown: false,
    answered: true,
  })
}

/** The connection is gone. */
export function away(): StoreUnavailableError {
  return new StoreUnavailableError('the store is away', { outcomeUnknown: false })
}
