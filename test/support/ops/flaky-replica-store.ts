import { StoreUnavailableError } from '../../../packages/runutil/src/core/store-unavailable-error.ts'
import type { ReplicaStore } from '../../../packages/runutil/src/ops/replica-store.ts'

type Method = keyof ReplicaStore

/** A store that tells what it was asked for, and fails where a test says. */
export class FlakyReplicaStore {
  readonly store: ReplicaStore
  readonly calls: Method[] = []
  /** While set, no call is answered; with 'after', each takes effect all the same. */
  outage: 'before' | 'after' | undefined
  /** How many of the next answers of beats are lost. */
  lostBeats = 0

  constructor(inner: ReplicaStore) {
    this.store = new Proxy(inner, {
      get: (target, method: Method) => {
        const call = target[method].bind(target) as (...args: unknown[]) => Promise<unknown>
        return async (...args: unknown[]): Promise<unknown> => {
          this.calls.push(method)
          if (this.outage === 'before') throw this.#unavailable()
          const answer = await call(...args)
          if (this.outage === 'after' || (method === 'beat' && this.lostBeats-- > 0))
            throw this.#unavailable()
          return answer
        }
      },
    })
  }

  #unavailable(): StoreUnavailableError {
    return new StoreUnavailableError('the network is down', { outcomeUnknown: this.outage !== 'before' })
  }
}
