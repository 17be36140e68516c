import { StoreUnavailableError } from '../../../packages/runutil/src/core/store-unavailable-error.ts'
import type { ReplicaStore } from '../../../packages/runutil/src/ops/replicas/replica-store.ts'

type Method = keyof ReplicaStore

/** A store that tells what it was asked for, and fails where a test says. */
export class FlakyReplicaStore {
  readonly store: ReplicaStore
  readonly calls: Method[] = []
  /** While true, no call is answered, nor has it an effect. */
  outage = false
  /** The same of some calls only. */
  readonly failing = new Set<Method>()
  /** How many of the next answers of beats are lost. */
  lostBeats = 0

  constructor(inner: ReplicaStore) {
    this.store = new Proxy(inner, {
      get: (target, method: Method) => {
        const call = target[method].bind(target) as (...args: unknown[]) => Promise<unknown>
        return async (...args: unknown[]): Promise<unknown> => {
          this.calls.push(method)
          if (this.outage || this.failing.has(method)) throw unavailable(false)
          const answer = await call(...args)
          if (method === 'beat' && this.lostBeats-- > 0) throw unavailable(true)
          return answer
        }
      },
    })
  }
}

function unavailable(outcomeUnknown: boolean): StoreUnavailableError {
  return new StoreUnavailableError('the network is down', { outcomeUnknown })
}
