import type { Clock } from '../core/clock.ts'
import { currentClock } from '../core/context.ts'
import { checkOptions, checkText } from '../core/options.ts'
import type { LeaseAnswer, LeaseStore, LeaseTerms } from './lease-store.ts'

interface Lease {
  fence: number
  /** When it is over; undefined when nobody has it. */
  expires: number | undefined
  due: number
}

/** Leases within one process: for tests, and for a service that has no replicas yet. */
export class MemoryLeaseStore implements LeaseStore {
  readonly #clock: Clock
  readonly #leases = new Map<string, Lease>()

  /** @param options clock: default that of the group, or the system's */
  constructor(options: { clock?: Clock } = {}) {
    this.#clock = checkOptions('MemoryLeaseStore', options, ['clock']).clock ?? currentClock()
  }

  async acquire(name: string, { leaseMs, everyMs }: LeaseTerms): Promise<LeaseAnswer> {
    checkText(name, 'acquire: name')
    const now = this.#clock.elapsed()
    const { fence, expires, due } = this.#leases.get(name) ?? { fence: 0, expires: undefined, due: now }
    const dueInMs = everyMs === undefined ? 0 : Math.max(0, due - now)
    const freeInMs = Math.max(0, (expires ?? now) - now)
    if (freeInMs > 0 || (expires === undefined && dueInMs > 0)) return { kind: 'refused', freeInMs, dueInMs }
    this.#leases.set(name, { fence: fence + 1, expires: now + leaseMs, due: now + (everyMs ?? 0) })
    return { kind: 'acquired', fence: fence + 1 }
  }

  async renew(name: string, fence: number, leaseMs: number): Promise<boolean> {
    const lease = this.#heldBy(name, fence)
    if (lease !== undefined) lease.expires = this.#clock.elapsed() + leaseMs
    return lease !== undefined
  }

  async release(name: string, fence: number, unused: boolean): Promise<void> {
    const lease = this.#heldBy(name, fence)
    if (lease === undefined) return
    lease.expires = undefined
    if (unused) lease.due = this.#clock.elapsed()
  }

  #heldBy(name: string, fence: number): Lease | undefined {
    const lease = this.#leases.get(name)
    return lease?.fence === fence && lease.expires !== undefined ? lease : undefined
  }
}
