import type { Clock } from '../core/clock.ts'
import { currentClock } from '../core/context.ts'
import { checkOptions, checkText } from '../core/options.ts'
import { failureDelayMs } from './failure-delay.ts'
import type { LeaseAnswer, LeaseStore, LeaseTerms, LeaseUse } from './lease-store.ts'

interface Lease {
  fence: number
  /** When it expires; undefined if it is free. */
  expires: number | undefined
  /** When it was last acquired; undefined if that run doesn't count. */
  started: number | undefined
  /** When a run last failed, and how often in a row. */
  failed: number
  failures: number
}

const NEVER: Lease = { fence: 0, expires: undefined, started: undefined, failed: 0, failures: 0 }

/** Leases within one process: for tests, and for services without replicas. */
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
    const lease = this.#leases.get(name) ?? NEVER
    const { fence, expires } = lease
    const dueInMs = Math.max(0, dueAt(lease, everyMs) - now)
    const freeInMs = Math.max(0, (expires ?? now) - now)
    if (freeInMs > 0 || (expires === undefined && dueInMs > 0)) return { kind: 'refused', freeInMs, dueInMs }
    this.#leases.set(name, { ...lease, fence: fence + 1, expires: now + leaseMs, started: now })
    return { kind: 'acquired', fence: fence + 1 }
  }

  async renew(name: string, fence: number, leaseMs: number): Promise<boolean> {
    const lease = this.#heldBy(name, fence)
    if (lease !== undefined) lease.expires = this.#clock.elapsed() + leaseMs
    return lease !== undefined
  }

  async release(name: string, fence: number, use: LeaseUse): Promise<void> {
    const lease = this.#heldBy(name, fence)
    if (lease === undefined) return
    lease.expires = undefined
    if (use === 'done') lease.failures = 0
    if (use === 'unused') lease.started = undefined
    if (use === 'failed')
      Object.assign(lease, { failures: lease.failures + 1, failed: this.#clock.elapsed() })
  }

  #heldBy(name: string, fence: number): Lease | undefined {
    const lease = this.#leases.get(name)
    return lease?.fence === fence && lease.expires !== undefined ? lease : undefined
  }
}

/** By the interval of whoever asks. */
function dueAt({ expires, started, failed, failures }: Lease, everyMs: number | undefined): number {
  if (everyMs === undefined) return -Infinity
  if (expires === undefined && failures > 0) return failed + failureDelayMs(failures, everyMs)
  return started === undefined ? -Infinity : started + everyMs
}
