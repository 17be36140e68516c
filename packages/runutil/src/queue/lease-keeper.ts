import type { Clock, Timer } from '../core/clock.ts'
import type { Progress } from '../core/progress.ts'
import type { Held, JobStore } from './job-store.ts'

export interface LeaseKeeperProps<H extends Held> {
  readonly store: JobStore
  readonly leaseMs: number
  readonly clock: Clock
  /** The claims that the process holds; the keeper adds its claims and removes each with its last job. */
  readonly open: Set<number>
  /** The job is no longer held; its handler must be aborted. */
  readonly onLost: (held: H) => void
  readonly onError: (error: unknown) => void
  /** The store has answered a renewal. */
  readonly onRenewed?: () => void
}

interface Lease<H> {
  /** When the lease expires, on the clock's `elapsed` scale. */
  until: number
  readonly jobs: Set<H>
}

/** So that a handler learns of its job's cancellation within a third of the lease. */
const RENEWALS_PER_LEASE = 4
/** A failed renewal is retried sooner: others free expired jobs soon after the store is back. As a share of the lease. */
const RETRY_SHARE = 1 / 12
const MAX_RETRY_MS = 1_000
/** Renewals in flight at most; more than one, so that one that is never answered doesn't block the next. */
const MOST_AT_ONCE = 3
/** How long a process that was blocked or suspended waits for a renewal before it gives its leases up. */
const RESUME_GRACE_MS = 1_000

/**
 * Renews the leases of all jobs that a process holds, in one statement.
 *
 * A lease that isn't renewed before it expires is lost, since others may run the job. But after a suspension of the process,
 * it asks the store first: if no other process has taken the job meanwhile, the job goes on.
 */
export class LeaseKeeper<H extends Held> {
  readonly #props: LeaseKeeperProps<H>
  readonly #everyMs: number
  /** By claim. */
  readonly #leases = new Map<number, Lease<H>>()
  /**
   * Reported as lost, but the handler hasn't ended. Still renewed, so that a cancelled job keeps its place under the limits,
   * and other workers don't run the job beside its handler if that can be avoided.
   */
  readonly #lost = new Set<H>()
  /** Reported since the last renewal. */
  #progress = new Map<H, Progress>()
  #timer: Timer | undefined
  #dueAt = Infinity
  #renewals = 0
  #isStopped = false

  constructor(props: LeaseKeeperProps<H>) {
    this.#props = props
    this.#everyMs = props.leaseMs / RENEWALS_PER_LEASE
  }

  /** @param claimedAt when the claim was sent, on the clock's `elapsed` scale */
  add(held: H, claimedAt: number): void {
    let lease = this.#leases.get(held.claim)
    if (lease === undefined) {
      lease = { until: claimedAt + this.#props.leaseMs, jobs: new Set() }
      this.#leases.set(held.claim, lease)
      this.#props.open.add(held.claim)
    }
    lease.jobs.add(held)
    if (this.#timer !== undefined) return
    this.#dueAt = this.#props.clock.elapsed() + this.#everyMs
    this.#timer = this.#props.clock.setTimeoutAt(this.#tick, this.#dueAt)
  }

  delete(held: H): void {
    if (this.#lost.size > 0) this.#lost.delete(held)
    if (this.#progress.size > 0) this.#progress.delete(held)
    const lease = this.#leases.get(held.claim)
    if (!lease?.jobs.delete(held) || lease.jobs.size > 0) return
    this.#leases.delete(held.claim)
    this.#props.open.delete(held.claim)
  }

  /** The progress of a job, to be stored with the next renewal. */
  progressed(held: H, progress: Progress): void {
    if (this.#leases.get(held.claim)?.jobs.has(held)) this.#progress.set(held, progress)
  }

  get holdsNothing(): boolean {
    return this.#leases.size === 0
  }

  /** Whether the job's lease cannot have expired yet. */
  holds(held: H): boolean {
    const lease = this.#leases.get(held.claim)
    return lease !== undefined && lease.until > this.#props.clock.elapsed() && !this.#lost.has(held)
  }

  /** Whether the lease of a job that is still held here has expired. */
  hasEnded(): boolean {
    const now = this.#props.clock.elapsed()
    for (const { until } of this.#leases.values()) if (until <= now) return true
    return false
  }

  /** Whether a lease has expired unreported, as after a suspension of the process. */
  isOverdue(): boolean {
    const now = this.#props.clock.elapsed()
    for (const lease of this.#leases.values())
      if (lease.until <= now && this.#hasUnreported(lease)) return true
    return false
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.clear()
    for (const claim of this.#leases.keys()) this.#props.open.delete(claim)
    this.#leases.clear()
    this.#lost.clear()
  }

  /** Renews all leases from now on. Never rejects. */
  async renew(): Promise<void> {
    if (this.#leases.size === 0) return
    const { store, leaseMs, clock, onError } = this.#props
    const sentAt = clock.elapsed()
    const held = [...this.#leases.values()].flatMap(({ jobs }) => [...jobs])
    const progress = this.#progress
    this.#progress = new Map()
    this.#renewals++
    try {
      this.#renewed(held, new Set(await store.renew(held, leaseMs, progress)), sentAt + leaseMs)
      this.#props.onRenewed?.()
    } catch (error) {
      for (const [one, was] of progress) if (!this.#progress.has(one)) this.progressed(one, was)
      this.#wakeAt(clock.elapsed() + Math.min(leaseMs * RETRY_SHARE, MAX_RETRY_MS))
      onError(error)
    } finally {
      this.#renewals--
    }
  }

  #renewed(held: readonly H[], lost: ReadonlySet<H>, until: number): void {
    for (const { claim } of held) {
      const lease = this.#leases.get(claim)
      if (lease !== undefined) lease.until = Math.max(lease.until, until)
    }
    // One settled in the meantime isn't reported.
    for (const one of lost) if (this.#leases.get(one.claim)?.jobs.has(one)) this.#lose(one)
  }

  readonly #tick = (): void => {
    const now = this.#props.clock.elapsed()
    const couldRun = now - this.#dueAt <= this.#everyMs / 4
    if (couldRun) this.#endLeases(now)
    if (!couldRun || this.#renewals < MOST_AT_ONCE) void this.renew()
    this.#dueAt = Infinity
    this.#wakeAt(now + (couldRun ? this.#everyMs : Math.min(this.#everyMs, RESUME_GRACE_MS)))
  }

  #endLeases(now: number): void {
    for (const lease of this.#leases.values()) {
      if (lease.until <= now) for (const held of lease.jobs) this.#lose(held)
    }
  }

  /** Wakes at that time, or earlier when a lease expires. */
  #wakeAt(time: number): void {
    // A renewal that was under way at the stop may fail later.
    if (this.#isStopped) return
    const now = this.#props.clock.elapsed()
    const ends = [...this.#leases.values()].map(({ until }) => (until > now ? until : Infinity))
    const at = Math.min(time, this.#dueAt, ...ends)
    if (at === this.#dueAt) return
    this.#dueAt = at
    this.#timer?.restartAt(at)
  }

  #hasUnreported({ jobs }: Lease<H>): boolean {
    return this.#lost.size === 0 || [...jobs].some((held) => !this.#lost.has(held))
  }

  #lose(held: H): void {
    if (this.#lost.has(held)) return
    this.#lost.add(held)
    this.#props.onLost(held)
  }
}
