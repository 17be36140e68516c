import type { Clock } from '../core/clock.ts'
import { Doorbell } from '../core/doorbell.ts'
import { HeldBytes } from './held-bytes.ts'
import type { ClaimedJob } from './job.ts'
import type { JobStore } from './job-store.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { type ProcessClaims, processClaims } from './process-claims.ts'

/** So long it waits for a renewal before it claims again. */
const CATCH_UP_MS = 1_000

export interface RunClaimsProps {
  readonly store: JobStore
  readonly kinds: readonly string[]
  readonly leaseMs: number
  readonly maxCrashes: number
  readonly maxHeldBytes: number
  readonly clock: Clock
  readonly onLost: (job: ClaimedJob) => void
  readonly onRenewed: () => void
  /** A renewal failed. */
  readonly onError: (error: unknown) => void
  /** Jobs have waited for a minute for `maxHeldBytes`. */
  readonly onHeldBack: () => void
  /** The store's clock was set, by so many ms. */
  readonly onClockSet: (byMs: number) => void
  /** A job is gone that others have waited for. */
  readonly onRoom: () => void
}

/** What one run of a worker has claimed: from the claim until the store has its outcome, or has it back. */
export class RunClaims {
  readonly #props: RunClaimsProps
  readonly #process: ProcessClaims
  readonly #keeper: LeaseKeeper<ClaimedJob>
  readonly #bytes: HeldBytes

  constructor(props: RunClaimsProps) {
    const { store, leaseMs, clock, onLost, onRenewed, onError, maxHeldBytes, onHeldBack } = props
    this.#props = props
    this.#process = processClaims(store)
    const { open } = this.#process
    this.#keeper = new LeaseKeeper({ store, leaseMs, clock, onLost, onRenewed, onError, open })
    this.#bytes = new HeldBytes({ most: maxHeldBytes, clock, onHeldBack })
  }

  get areNone(): boolean {
    return this.#keeper.holdsNothing
  }

  /** How many of `limit` jobs there is room for. */
  room(limit: number): number {
    return limit === 0 ? 0 : this.#bytes.room(limit)
  }

  async claim(limit: number): Promise<ClaimedJob[]> {
    const lastChance = this.#process.takeLastChance(this)
    // With no crash allowed, each job is on its last chance.
    if (this.#props.maxCrashes === 0) limit = lastChance ? 1 : 0
    let jobs: ClaimedJob[] = []
    try {
      if (limit > 0) jobs = await this.#ask(limit, lastChance)
    } finally {
      if (lastChance && !this.isLastChance(jobs)) this.#process.giveLastChance(this)
    }
    return jobs
  }

  async #ask(limit: number, lastChance: boolean): Promise<ClaimedJob[]> {
    const { store, kinds, leaseMs, clock, maxCrashes } = this.#props
    const { holder, open: holding } = this.#process
    const sentAt = clock.elapsed()
    let heldBack = false
    const onHeldBack = (): void => void (heldBack = true)
    const onClockSet = (byMs: number): void => this.#clockSet(byMs)
    const options = { holder, holding, maxCrashes, lastChance, ...this.#bytes.left, onHeldBack, onClockSet }
    const jobs = await store.claim(kinds, limit, leaseMs, options)
    for (const job of jobs) this.#keeper.add(job, sentAt)
    this.#bytes.claimed(jobs, heldBack)
    return jobs
  }

  /** Set forward, the leases look to others as if they had run out. */
  #clockSet(byMs: number): void {
    this.#props.onClockSet(byMs)
    void this.#keeper.renew()
  }

  /** Whether it is a claim of one job on its last chance: others may be had beside it. */
  isLastChance(jobs: readonly ClaimedJob[]): boolean {
    return jobs[0]?.crashes === this.#props.maxCrashes
  }

  /** Whether the job's lease can't have ended yet. */
  holds(job: ClaimedJob): boolean {
    return this.#keeper.holds(job)
  }

  /** Whether leases have ended: others may have freed the jobs, so that what was done has to be recorded before a claim. */
  haveEnded(): boolean {
    return this.#keeper.hasEnded()
  }

  /** After the process couldn't run, asks for its leases to go on, and waits for a second at most. */
  async catchUp(signal: AbortSignal): Promise<void> {
    if (!this.#keeper.isOverdue()) return
    const renewed = new Doorbell(this.#props.clock, signal)
    void this.#keeper.renew().then(() => renewed.ring())
    await renewed.wait(CATCH_UP_MS)
  }

  delete(jobs: readonly ClaimedJob[]): void {
    let hasRoom = this.#bytes.isHeldBack
    for (const job of jobs) {
      this.#keeper.delete(job)
      this.#bytes.delete(job)
      if (job.crashes !== this.#props.maxCrashes) continue
      this.#process.giveLastChance(this)
      hasRoom = true
    }
    if (hasRoom) this.#props.onRoom()
  }

  stop(): void {
    this.#keeper.stop()
    this.#bytes.stop()
    this.#process.giveLastChance(this)
  }
}
