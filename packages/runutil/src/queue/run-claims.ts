import type { Clock } from '../core/clock.ts'
import { Notify } from '../core/notify.ts'
import type { Progress } from '../core/progress.ts'
import type { ClaimSignals } from './claim-signals.ts'
import { type Encoding, dependencyResults } from './codec.ts'
import { HeldBytes } from './held-bytes.ts'
import type { ClaimOptions } from './claim-options.ts'
import type { JobStore } from './job-store.ts'
import type { ClaimedJob } from './job.ts'
import { type Kind, toClaimedJobs } from './kind.ts'
import type { Claimant } from './last-chance.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import type { MinuteTally } from './minute-tally.ts'
import { LATEST_START_MS } from './prefetch.ts'
import { type ProcessClaims, processClaims } from './process-claims.ts'
import type { RunLog } from './run-log.ts'
import type { WorkerRules } from './worker-rules.ts'

/** How long to wait for a renewal before the next claim. */
const CATCH_UP_MS = 1_000

export interface RunClaimsProps {
  readonly store: JobStore & Encoding
  readonly kinds: ReadonlyMap<string, Kind>
  readonly leaseMs: number
  readonly maxCrashes: number
  readonly maxHeldBytes: number
  readonly clock: Clock
  readonly log: RunLog
  readonly rules: WorkerRules
  readonly minutes: MinuteTally
  readonly signals: ClaimSignals
}

export interface LeaseListener {
  leaseLost(job: ClaimedJob): void
}

/** The jobs that one run of a worker holds: each from its claim until its outcome is recorded or it is released. */
export class RunClaims {
  readonly #props: RunClaimsProps
  readonly #names: readonly string[]
  readonly #process: ProcessClaims
  readonly #keeper: LeaseKeeper<ClaimedJob>
  readonly #bytes: HeldBytes
  readonly #claimant: Claimant
  /** Until when jobs of kinds with a rate may start, if they have to wait first. */
  readonly #startBy = new WeakMap<ClaimedJob, number>()
  #isOver = false
  #claims = 0
  #lostLeases = 0
  #listener: LeaseListener | undefined

  constructor(props: RunClaimsProps) {
    const { store, leaseMs, clock, maxHeldBytes, log, signals } = props
    this.#props = props
    this.#names = [...props.kinds.keys()]
    this.#process = processClaims(store)
    const { open } = this.#process
    this.#keeper = new LeaseKeeper({
      store,
      leaseMs,
      clock,
      open,
      onLost: (job) => this.#lost(job),
      onRenewed: () => log.available('renewals'),
      onError: (error) => log.unavailable('renewals', error),
    })
    this.#bytes = new HeldBytes({ most: maxHeldBytes, clock, onHeldBack: () => log.heldBack(maxHeldBytes) })
    this.#claimant = { clock, onMayClaim: () => signals.notifyBoth() }
  }

  /** @param listener notified of lost leases from now on */
  begin(listener: LeaseListener): void {
    this.#listener = listener
  }

  /** What this run has had so far: claims that the store has answered, and jobs whose lease was lost. */
  get detail(): { claims: number; lostLeases: number } {
    return { claims: this.#claims, lostLeases: this.#lostLeases }
  }

  /** How many jobs there is room for, at most `limit`. */
  room(limit: number): number {
    return limit === 0 || !this.#mayClaim ? 0 : this.#bytes.room(limit)
  }

  get #mayClaim(): boolean {
    return this.#process.lastChance.mayClaim(this.#claimant)
  }

  /**
   * @param startable how many jobs can start at once
   * @param ask called, if at all, instead of the store's own `claim`
   */
  async claim(limit: number, startable: number, ask?: JobStore['claim']): Promise<ClaimedJob[]> {
    if (!this.#mayClaim) return []
    const reservations = this.#process.lastChance
    // With no crash allowed, every job is on its last chance.
    const isEach = this.#props.maxCrashes === 0
    const lastChance = reservations.beginClaim(this.#claimant, isEach)
    let jobs: ClaimedJob[] = []
    let isLeft = false
    const onLastChance = (): void => void (isLeft = true)
    try {
      if (lastChance || !isEach)
        jobs = await this.#ask(isEach ? 1 : limit, { lastChance, onLastChance, startable }, ask)
    } finally {
      reservations.endClaim(this.#claimant, this.#isLastChance(jobs))
    }
    if (isLeft) reservations.request(this.#claimant)
    return jobs
  }

  async #ask(
    limit: number,
    chance: ClaimOptions & { startable: number },
    ask: JobStore['claim'] | undefined,
  ): Promise<ClaimedJob[]> {
    const { store, kinds, leaseMs, clock, maxCrashes, rules, minutes } = this.#props
    const { holder, open: holding } = this.#process
    const sentAt = clock.elapsed()
    let heldBack = false
    const onHeldBack = (): void => void (heldBack = true)
    const onClockSet = (byMs: number): void => this.#clockSet(byMs)
    const { lastChance, onLastChance, startable } = chance
    const { maxBytes, orOne } = this.#bytes.left
    const options: ClaimOptions = {
      holder,
      holding,
      maxCrashes,
      lastChance,
      maxBytes,
      orOne,
      onHeldBack,
      onLastChance,
      startable,
      waitMs: LATEST_START_MS,
      onClockSet,
      onStoreTime: minutes.storeTime,
    }
    const call = ask ?? ((...given) => store.claim(...given))
    const leased = await call(this.#names, limit, leaseMs, options)
    const jobs = toClaimedJobs(leased, kinds, this.#dependencies)
    this.#claims++
    // The answer came after the run ended: its jobs are released, their leases not renewed.
    if (this.#isOver) return jobs
    for (const job of jobs) this.#keeper.add(job, sentAt)
    if (rules.rated && jobs.length > startable) {
      for (const job of jobs) this.#startBy.set(job, sentAt + LATEST_START_MS)
    }
    this.#bytes.claimed(jobs, heldBack)
    return jobs
  }

  readonly #dependencies = (id: string): Promise<Record<string, unknown>> =>
    dependencyResults(this.#props.store, id)

  #lost(job: ClaimedJob): void {
    this.#lostLeases++
    this.#listener?.leaseLost(job)
  }

  /** After a step forward, other processes see the leases as expired. */
  #clockSet(byMs: number): void {
    this.#props.log.clockSet(byMs)
    void this.#keeper.renew()
  }

  /** Whether to claim again without waiting: for a job on its last chance, and after that has ended. */
  get isExclusive(): boolean {
    return this.#process.lastChance.isExclusive(this.#claimant)
  }

  #isLastChance(jobs: readonly ClaimedJob[]): boolean {
    return jobs[0]?.crashes === this.#props.maxCrashes
  }

  /** This run won't claim for now: lets other runs claim a job on its last chance. */
  withdrawLastChance(): void {
    this.#process.lastChance.withdraw(this.#claimant)
  }

  /** Whether the job's lease cannot have expired yet, and the rate of its kind still counts a start now. */
  mayStart(job: ClaimedJob): boolean {
    const startBy = this.#startBy.get(job)
    return this.#keeper.holds(job) && (startBy === undefined || this.#props.clock.elapsed() <= startBy)
  }

  /** Whether leases have expired: others may have freed the jobs, so outcomes must be recorded before the next claim. */
  haveEnded(): boolean {
    return this.#keeper.hasEnded()
  }

  /** After a suspension of the process, renews its leases, and waits for that at most a second. */
  async catchUp(signal: AbortSignal): Promise<void> {
    if (!this.#keeper.isOverdue()) return
    const renewed = new Notify(this.#props.clock, signal)
    void this.#keeper.renew().then(() => renewed.notify())
    await renewed.wait(CATCH_UP_MS)
  }

  /** The job's handler has ended. */
  handled(job: ClaimedJob): void {
    if (job.crashes === this.#props.maxCrashes) this.#process.lastChance.handled(this.#claimant)
  }

  /** The handler of the job has reported progress. */
  progressed(job: ClaimedJob, progress: Progress): void {
    this.#keeper.progressed(job, progress)
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
    // Without leases, no renewal will report that the store is back.
    if (this.#keeper.holdsNothing) log.available('renewals')
  }

  stop(): void {
    this.#isOver = true
    this.#keeper.stop()
    this.#bytes.stop()
    this.#process.lastChance.leave(this.#claimant)
  }
}
