import type { Clock } from '../core/clock.ts'
import { currentClock } from '../core/context.ts'
import { checkOptions, checkText } from '../core/options.ts'
import { failureDelayMs } from './failure-delay.ts'
import type {
  KnownSchedule,
  LeaseAnswer,
  LeaseSchedule,
  LeaseStore,
  LeaseTerms,
  LeaseUse,
  ListedLease,
} from './lease-store.ts'

interface Lease {
  fence: number
  /** When the lease expires; undefined if it is free. */
  expires: number | undefined
  /** When the lease was last acquired; undefined if never, or if that run was released as unused. */
  started: number | undefined
  /** When a run last failed, and the number of consecutive failures. */
  failed: number
  failures: number
  /** The schedule by which runs are due; its version increases with each change. */
  schedule: { readonly text: string; readonly version: number }
  /** Moments up to this one need no run. This and the next two are times of day. */
  settled: number
  /** The moment of the last acquisition, which is settled when that run has ended. */
  settles: number
  startedAt: number
}

/** Leases within one process, for tests and for services without replicas. */
export class MemoryLeaseStore implements LeaseStore {
  readonly #clock: Clock
  readonly #leases = new Map<string, Lease>()

  /** @param options clock: default the group's, else the system's */
  constructor(options: { clock?: Clock } = {}) {
    this.#clock = checkOptions('MemoryLeaseStore', options, ['clock']).clock ?? currentClock()
  }

  async acquire(name: string, terms: LeaseTerms): Promise<LeaseAnswer> {
    checkText(name, 'acquire: name')
    const now = this.#clock.elapsed()
    const lease = this.#of(name)
    const schedule = terms.schedule && this.#know(lease, terms.schedule)
    const dueInMs = Math.max(0, this.#dueAt(lease, terms) - now)
    const freeInMs = Math.max(0, (lease.expires ?? now) - now)
    const isDue = terms.instantMs === undefined ? lease.expires !== undefined || dueInMs === 0 : dueInMs === 0
    if (freeInMs > 0 || !isDue || !isWanted(lease, terms)) {
      return { kind: 'refused', freeInMs, dueInMs, schedule }
    }
    const startedAt = this.#clock.now()
    lease.fence++
    Object.assign(lease, { expires: now + terms.leaseMs, started: now, startedAt })
    lease.settles = terms.instantMs ?? startedAt
    return { kind: 'acquired', fence: lease.fence, schedule }
  }

  #of(name: string): Lease {
    let lease = this.#leases.get(name)
    if (lease === undefined) this.#leases.set(name, (lease = newLease(this.#clock.now())))
    return lease
  }

  /** The schedule of a starting replica applies from now on. */
  #know(lease: Lease, { text, version }: LeaseSchedule): KnownSchedule {
    if (version === undefined && lease.schedule.text !== text) {
      lease.schedule = { text, version: lease.schedule.version + 1 }
      // Not while the lease is held: its run may have to be repeated, if the process died.
      if (lease.expires === undefined) lease.settled = Math.max(lease.settled, lease.startedAt)
    }
    return { ...lease.schedule, nowMs: this.#clock.now(), settledMs: lease.settled }
  }

  /** When the lease is due by the caller's terms, on the scale of `clock.elapsed()`. */
  #dueAt(lease: Lease, { everyMs, instantMs }: LeaseTerms): number {
    if (instantMs !== undefined) return this.#clock.elapsed() + instantMs - this.#clock.now()
    return dueAt(lease, everyMs)
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
    if (use === 'unused') lease.startedAt = -Infinity
    else lease.settled = Math.max(lease.settled, lease.settles)
    if (use === 'done') lease.failures = 0
    if (use === 'unused') lease.started = undefined
    if (use === 'failed')
      Object.assign(lease, { failures: lease.failures + 1, failed: this.#clock.elapsed() })
  }

  async list(most: number): Promise<ListedLease[]> {
    const now = this.#clock.elapsed()
    const known = [...this.#leases].filter(([, { fence }]) => fence > 0)
    const listed = known.map(([name, { fence, expires, started }]) => ({
      name,
      fence,
      ...(expires !== undefined && { expiresInMs: Math.max(0, expires - now) }),
      ...(started !== undefined && { acquiredAgoMs: Math.max(0, now - started) }),
    }))
    return listed.sort(heldFirst).slice(0, most)
  }

  #heldBy(name: string, fence: number): Lease | undefined {
    const lease = this.#leases.get(name)
    return lease?.fence === fence && lease.expires !== undefined ? lease : undefined
  }
}

function newLease(now: number): Lease {
  return {
    fence: 0,
    expires: undefined,
    started: undefined,
    failed: 0,
    failures: 0,
    schedule: { text: '', version: 0 },
    settled: now,
    settles: now,
    startedAt: -Infinity,
  }
}

function heldFirst(a: ListedLease, b: ListedLease): number {
  const isFree = (lease: ListedLease): number => (lease.expiresInMs === undefined ? 1 : 0)
  return isFree(a) - isFree(b) || (a.name < b.name ? -1 : 1)
}

/** False for a moment that needs no run, and for an outdated schedule. */
function isWanted({ settled, schedule }: Lease, terms: LeaseTerms): boolean {
  const asks = terms.schedule?.version ?? schedule.version
  return asks >= schedule.version && (terms.instantMs === undefined || settled < terms.instantMs)
}

/** When the lease is due by the caller's interval, on the scale of `clock.elapsed()`. */
function dueAt({ expires, started, failed, failures }: Lease, everyMs: number | undefined): number {
  if (everyMs === undefined) return -Infinity
  if (expires === undefined && failures > 0) return failed + failureDelayMs(failures, everyMs)
  return started === undefined ? -Infinity : started + everyMs
}
