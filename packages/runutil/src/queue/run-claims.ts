import type { Clock } from '../core/clock.ts'
import { Notify } from '../core/notify.ts'
import type { ClaimSignals } from './claim-signals.ts'
import { HeldBytes } from './held-bytes.ts'
import type { ClaimOptions, JobStore } from './job-store.ts'
import type { ClaimedJob } from './job.ts'
import type { Claimant } from './last-chance.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { type ProcessClaims, processClaims } from './process-claims.ts'
import type { RunLog } from './run-log.ts'

/** So long it waits for a renewal before it claims again. */
const CATCH_UP_MS = 1_000

export interface RunClaimsProps {
  readonly store: JobStore
  readonly kinds: readonly string[]
  readonly leaseMs: number
  readonly maxCrashes: number
  readonly maxHeldBytes: number
  readonly clock: Clock
  readonly log: RunLog
  readonly signals: ClaimSignals
}

export interface LeaseListener {
  leaseLost(job: ClaimedJob): void
}

/** What one run of a worker has claimed: from the claim until the store has its outcome, or has it back. */
export class RunClaims {
  readonly #props: RunClaimsProps
  readonly #process: ProcessClaims
  readonly #keeper: LeaseKeeper<ClaimedJob>
  readonly #bytes: HeldBytes
  readonly #claimant: Claimant
  #isOver = false
  #listener: LeaseListener | undefined

  constructor(props: RunClaimsProps) {
    const { store, leaseMs, clock, maxHeldBytes, log, signals } = props
    this.#props = props
    this.#process = processClaims(store)
    const { open } = this.#process
    this.#keeper = new LeaseKeeper({
      store,
      leaseMs,
      clock,
      open,
      onLost: (job) => this.#listener?.leaseLost(job),
      onRenewed: () => log.available('renewals'),
      onError: (error) => log.unavailable('renewals', error),
    })
    this.#bytes = new HeldBytes({ most: maxHeldBytes, clock, onHeldBack: () => log.heldBack(maxHeldBytes) })
    this.#claimant = { clock, onMayClaim: () => signals.notifyBoth() }
  }

  /** @param listener hears of lost leases from now on */
  begin(listener: LeaseListener): void {
    this.#listener = listener
  }

  /** How many of `limit` jobs there is room for. */
  room(limit: number): number {
    return limit === 0 || !this.#mayClaim ? 0 : this.#bytes.room(limit)
  }

  get #mayClaim(): boolean {
    return this.#process.lastChance.mayClaim(this.#claimant)
  }

  async claim(limit: number): Promise<ClaimedJob[]> {
    if (!this.#mayClaim) return []
    const turns = this.#process.lastChance
    // With no crash allowed, each job is on its last chance.
    const isEach = this.#props.maxCrashes === 0
    const lastChance = turns.ask(this.#claimant, isEach)
    let jobs: ClaimedJob[] = []
    let isLeft = false
    const onLastChance = (): void => void (isLeft = true)
    try {
      if (lastChance || !isEach) jobs = await this.#ask(isEach ? 1 : limit, { lastChance, onLastChance })
    } finally {
      turns.answered(this.#claimant, this.#isLastChance(jobs))
    }
    if (isLeft) turns.want(this.#claimant)
    return jobs
  }

  async #ask(limit: number, chance: ClaimOptions): Promise<ClaimedJob[]> {
    const { store, kinds, leaseMs, clock, maxCrashes } = this.#props
    const { holder, open: holding } = this.#process
    const sentAt = clock.elapsed()
    let heldBack = false
    const onHeldBack = (): void => void (heldBack = true)
    const onClockSet = (byMs: number): void => this.#clockSet(byMs)
    const { lastChance, onLastChance } = chance
    const { maxBytes, orOne } = this.#bytes.left
    const jobs = await store.claim(kinds, limit, leaseMs, {
      holder,
      holding,
      maxCrashes,
      lastChance,
      maxBytes,
      orOne,
      onHeldBack,
      onLastChance,
      onClockSet,
    })
    // An answer that came too late: its jobs are released, and nothing looks after them.
    if (this.#isOver) return jobs
    for (const job of jobs) this.#keeper.add(job, sentAt)
    this.#bytes.claimed(jobs, heldBack)
    return jobs
  }

  /** Set forward, the leases look to others as if they had run out. */
  #clockSet(byMs: number): void {
    this.#props.log.clockSet(byMs)
    void this.#keeper.renew()
  }

  /** Whether it claims on as soon as it may: for a job on its last chance, and when that has ended. */
  get isApart(): boolean {
    return this.#process.lastChance.isApart(this.#claimant)
  }

  #isLastChance(jobs: readonly ClaimedJob[]): boolean {
    return jobs[0]?.crashes === this.#props.maxCrashes
  }

  /** It claims nothing for now: the turn for a job on its last chance, if it waits for that, is for others. */
  giveTurnUp(): void {
    this.#process.lastChance.giveUp(this.#claimant)
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
    const renewed = new Notify(this.#props.clock, signal)
    void this.#keeper.renew().then(() => renewed.notify())
    await renewed.wait(CATCH_UP_MS)
  }

  /** Its handler has ended. */
  handled(job: ClaimedJob): void {
    if (job.crashes === this.#props.maxCrashes) this.#process.lastChance.handled(this.#claimant)
  }

  delete(jobs: readonly ClaimedJob[]): void {
    const hasRoom = this.#bytes.isHeldBack
    for (const job of jobs) {
      this.#keeper.delete(job)
      this.#bytes.delete(job)
      if (job.crashes === this.#props.maxCrashes) this.#process.lastChance.end(this.#claimant)
    }
    this.#process.lastChance.changed()
    const { log, signals } = this.#props
    if (hasRoom) signals.notifyBoth()
    // Nothing is left that a renewal could fail for.
    if (this.#keeper.holdsNothing) log.available('renewals')
  }

  stop(): void {
    this.#isOver = true
    this.#keeper.stop()
    this.#bytes.stop()
    this.#process.lastChance.leave(this.#claimant)
  }
}
