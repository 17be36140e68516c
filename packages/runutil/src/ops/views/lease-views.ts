import type { Clock } from '../../core/clock.ts'
import type { LeaseStore, ListedLease } from '../../leases/lease-store.ts'
import { OpsError } from '../ops-error.ts'
import { holdersIn, leaseKey } from './lease-holders.ts'
import type { Aged, State } from './read-model.ts'
import { SharedQuery } from './shared-query.ts'

/** So many leases are listed, the held ones first. */
const MOST_LEASES = 1_000

/** What can be seen of leases. The store knows no processes, only fences: who holds one is in the trees of the processes. */
export class LeaseViews {
  readonly #query: SharedQuery<readonly ListedLease[]>

  constructor(leases: LeaseStore, clock: Clock) {
    const query = (): Promise<ListedLease[]> => {
      if (leases.list !== undefined) return leases.list(MOST_LEASES)
      throw new OpsError(404, 'not-available', 'leases: this LeaseStore has no list(), which the view needs')
    }
    this.#query = new SharedQuery({ clock, what: 'leases', query: async () => query() })
  }

  /** To be called when leases have changed. */
  outdate(): void {
    this.#query.outdate()
  }

  /** @param states of the processes that are known */
  async list(states: () => Promise<readonly State[]>): Promise<Aged & { leases: readonly object[] }> {
    const [{ value, at, ageMs }, known] = await Promise.all([this.#query.ask(), states()])
    const holders = holdersIn(known)
    const leases = value.map(({ name, fence, expiresInMs, acquiredAgoMs }) => {
      const holder = expiresInMs === undefined ? undefined : holders.get(leaseKey(name, fence))
      return {
        name,
        fence,
        held: expiresInMs !== undefined && expiresInMs > ageMs,
        ...(expiresInMs !== undefined && { until: timeIn(at, expiresInMs) }),
        ...(acquiredAgoMs !== undefined && { since: timeIn(at, -acquiredAgoMs) }),
        ...(holder !== undefined && { holder }),
      }
    })
    return { at, ageMs, leases }
  }
}

function timeIn(at: string, ms: number): string {
  return new Date(Date.parse(at) + ms).toISOString()
}
