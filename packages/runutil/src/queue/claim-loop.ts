import type { Clock } from '../core/clock.ts'
import type { Context } from '../core/context.ts'
import type { Notify } from '../core/notify.ts'
import { RunRecord } from '../core/run-record.ts'
import type { ClaimSignals } from './claim-signals.ts'
import type { ClaimWatch } from './claim-watch.ts'
import { IdleTime } from './idle-time.ts'
import type { JobSlots } from './job-slots.ts'
import type { ClaimedJob } from './job.ts'
import type { Kind } from './kind.ts'
import type { ObservedJobStore } from './observed-job-store.ts'
import type { OverdueJobs } from './overdue-jobs.ts'
import type { Prefetch } from './prefetch.ts'
import type { Releaser } from './releaser.ts'
import type { RunClaims } from './run-claims.ts'
import type { RunEnd } from './run-end.ts'
import type { RunLog } from './run-log.ts'
import type { RunOutcomes } from './run-outcomes.ts'
import type { SettlingClaims } from './settling-claims.ts'
import type { StoreCalls } from './store-calls.ts'
import type { WorkerRules } from './worker-rules.ts'

export interface ClaimLoopProps {
  readonly store: ObservedJobStore
  readonly kinds: ReadonlyMap<string, Kind>
  readonly concurrency: number
  readonly pollIntervalMs: number
  readonly leaseMs: number
  readonly clock: Clock
  /** The run's context. */
  readonly context: Context
  readonly log: RunLog
  readonly end: RunEnd
  readonly signals: ClaimSignals
  readonly calls: StoreCalls
  readonly rules: WorkerRules
  readonly claims: RunClaims
  readonly settling: SettlingClaims
  readonly outcomes: RunOutcomes
  readonly releaser: Releaser
  readonly prefetch: Prefetch
  readonly slots: JobSlots
  readonly overdue: OverdueJobs
  readonly watch: ClaimWatch
}

/**
 * Claims jobs for a run and hands them to its slots.
 *
 * claiming ─► waiting, for room or for jobs ─► claiming …, until stopped. While paused by an operator, it claims nothing, and
 * jobs that were claimed but not started are released.
 */
export class ClaimLoop {
  readonly #props: ClaimLoopProps
  readonly #idleTime: IdleTime
  readonly #record: RunRecord
  /** The kinds that were paused since the last claim was sent. */
  readonly #pausedKinds = new Set<string>()
  /** For its turn to poll, or while paused. */
  #isWaiting = false

  constructor(props: ClaimLoopProps) {
    this.#props = props
    this.#idleTime = new IdleTime(props)
    this.#record = new RunRecord(props.context)
  }

  async run(): Promise<void> {
    const { end, signals, slots, outcomes } = this.#props
    this.#record.idleWhen(() => this.#isWaiting && slots.count === 0 && outcomes.unsettled === 0)
    this.#record.describedBy(() => this.#detail)
    this.#record.controlledBy({ pause: () => this.#pause(), resume: () => signals.freed.notify() })
    while (!end.isStopping) {
      const limit = this.#record.isPaused ? undefined : this.#room()
      if (limit === undefined) await this.#paused()
      else if (limit === 0) await signals.freed.wait(Infinity)
      else if (!(await this.#claim(limit))) await this.#idle()
    }
  }

  get #detail(): object {
    const { kinds, concurrency, slots, outcomes, claims } = this.#props
    const { unsettled } = outcomes
    return { kinds: [...kinds.keys()], concurrency, ...slots.detail, unsettled, ...claims.detail }
  }

  /** Releases the jobs of the kind that haven't started; those that a claim is bringing too. */
  kindPaused(kind: string): void {
    this.#pausedKinds.add(kind)
    const { releaser, slots, signals } = this.#props
    releaser.add(slots.takeWaitingOf(kind))
    signals.freed.notify()
  }

  #pause(): void {
    const { signals, releaser, slots } = this.#props
    releaser.add(slots.takeWaiting())
    signals.notifyBoth()
  }

  async #paused(): Promise<void> {
    const { context, claims, signals } = this.#props
    context.record?.ready()
    claims.withdrawLastChance()
    this.#idleTime.reset()
    await this.#wait(signals.freed, Infinity)
  }

  /** How many jobs to claim. */
  #room(): number {
    const { outcomes, claims, prefetch, slots } = this.#props
    return claims.room(prefetch.room(slots.count, outcomes.unsettled))
  }

  /** @returns whether there may be more to claim */
  async #claim(limit: number): Promise<boolean> {
    const { claims, end, watch, releaser, calls, log, context, slots, outcomes, overdue } = this.#props
    if (claims.haveEnded()) await this.#catchUp()
    if (end.isStopping || this.#record.isPaused) return false
    watch.claimSent()
    this.#pausedKinds.clear()
    const release = (late: ClaimedJob[]): void => releaser.add(late)
    const jobs = await calls.ask(() => this.#ask(limit), release)
    watch.claimAnswered()
    log.available('claims')
    context.record?.ready()
    if (jobs.length > 0) this.#idleTime.reset()
    if (end.isStopping || this.#record.isPaused) release(jobs)
    else slots.add(outcomes.withoutCrashed(this.#withoutPaused(jobs)))
    overdue.watch()
    return jobs.length === limit || claims.isExclusive
  }

  /** Settles what waits for that in the same call, where it can. */
  async #ask(limit: number): Promise<ClaimedJob[]> {
    const { settling, claims, slots, end } = this.#props
    const jobs = await settling.claim(limit, slots.free)
    if (jobs.length > 0 || end.isStopping || this.#record.isPaused) return jobs
    const apart = await claims.claim(limit, slots.free)
    if (apart.length > 0) settling.claimedApart()
    return apart
  }

  #withoutPaused(jobs: ClaimedJob[]): ClaimedJob[] {
    if (this.#pausedKinds.size === 0) return jobs
    const paused = jobs.filter(({ kind }) => this.#pausedKinds.has(kind))
    this.#props.releaser.add(paused)
    return jobs.filter((job) => !paused.includes(job))
  }

  /** After leases have expired: records outcomes and renews running jobs before the next claim. */
  async #catchUp(): Promise<void> {
    const { outcomes, end, signals, claims } = this.#props
    while (outcomes.unsettled > 0 && !end.isStopping) await signals.freed.wait(Infinity)
    await claims.catchUp(end.signal)
  }

  async #idle(): Promise<void> {
    const { store, kinds, pollIntervalMs, rules, end, calls, signals } = this.#props
    const asks = rules.rated && !end.isStopping
    const opensInMs = asks ? await calls.ask(() => store.rateOpensIn([...kinds.keys()])) : undefined
    // No notification comes when another process frees a place under a limit.
    const idleMs = rules.limited || end.isStopping ? pollIntervalMs : await this.#idleTime.next()
    if (await this.#wait(signals.ready, Math.min(idleMs, opensInMs ?? Infinity))) this.#idleTime.reset()
  }

  async #wait(notify: Notify, ms: number): Promise<boolean> {
    this.#isWaiting = true
    const isNotified = await notify.wait(ms)
    this.#isWaiting = false
    // What follows has its time from now on.
    this.#record.signOfLife()
    return isNotified
  }
}
