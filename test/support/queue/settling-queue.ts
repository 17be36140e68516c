import type { JobStore } from 'runutil/queue'
import { BreakableStore } from './breakable-store.ts'
import { type FreshQueue, freshQueue } from './fresh-queue.ts'
import { type Objection, PickyStore } from './picky-store.ts'

/**
 * A queue in memory, on a store that a test can break, and that settles and claims in one call as PostgreSQL does.
 *
 * @param claims false: that call claims nothing, as where it leaves that to an ordinary claim
 */
export function settlingQueue({
  claims = true,
  objection,
}: { claims?: boolean; objection?: Objection } = {}): FreshQueue & { store: BreakableStore } {
  let store: BreakableStore
  const fresh = freshQueue(
    (inner) => (store = new BreakableStore(settling(new PickyStore(inner, objection).store, claims))).store,
  )
  return { ...fresh, store: store! }
}

function settling(inner: JobStore, claims: boolean): JobStore {
  const settleAndClaim: JobStore['settleAndClaim'] = async (batch, ...claim) => {
    const lost = await inner.settle(batch)
    return { lost, jobs: claims ? await inner.claim(...claim) : [] }
  }
  return new Proxy(inner, {
    get: (target, name) => {
      const value: unknown = name === 'settleAndClaim' ? settleAndClaim : Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
