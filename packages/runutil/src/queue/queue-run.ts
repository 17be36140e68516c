import { offAbort, onAbort } from '../core/abort.ts'
import { Context, currentClock, currentContext, newScope } from '../core/context.ts'
import { Notify } from '../core/notify.ts'
import { StoreTimeout } from '../core/store-timeout.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import { untilAvailable } from '../core/until-available.ts'
import { ApartSettlements } from './apart-settlements.ts'
import type { Attempt } from './attempt.ts'
import { ClaimWatch } from './claim-watch.ts'
import { jobLost } from './errors.ts'
import { GiveBack } from './give-back.ts'
import { HeldJobs } from './held-jobs.ts'
import { IdleTime } from './idle-time.ts'
import type { ClaimedJob } from './job.ts'
import { judge, judgeCrashes } from './judge.ts'
import type { Kind } from './kind.ts'
import type { ObservedJobStore } from './observed-job-store.ts'
import { type JobSettlement, settlementOf } from './outcome.ts'
import { OverdueJobs } from './overdue-jobs.ts'
import type { Performed } from './perform.ts'
import { Prefetch } from './prefetch.ts'
import { RunClaims } from './run-claims.ts'
import { RunLog } from './run-log.ts'
import { Settler } from './settler.ts'
import { Upkeep } from './upkeep.ts'
import type { WorkerSettings } from './worker-settings.ts'

export interface QueueRunProps extends WorkerSettings {
  readonly store: ObservedJobStore
  readonly kinds: ReadonlyMap<string, Kind>
  readonly signal: AbortSignal
}

/** Of the group's grace: until when outcomes are tried to be recorded, and how long at least. */
const SETTLING_SHARE = 0.7
const LAST_SHARE = 0.2

/**
 * One run of a QueueWorker: claim ─► perform ─► judge ─► settle.
 *
 * One loop claims; ended handlers hand their outcomes to the settler, which sends them in batches beside the next
 * claim. So one slow job pays two statements, and a thousand short ones pay hardly more.
 */
export class QueueRun {
  readonly #props: QueueRunProps
  readonly #clock = currentClock()
  readonly #context = currentContext() ?? new Context(newScope({}), '')
  readonly #log = new RunLog(this.#context)
  /** Rung when there may be something to claim. */
  readonly #ready: Notify
  /** Rung when there may be room for it. */
  readonly #freed: Notify
  readonly #held: HeldJobs
  readonly #claims: RunClaims
  readonly #settler: Settler<JobSettlement>
  readonly #apart: ApartSettlements<JobSettlement>
  readonly #idleTime: IdleTime
  readonly #prefetch: Prefetch
  readonly #overdue: OverdueJobs
  readonly #giveBack: GiveBack
  readonly #watch: ClaimWatch
  readonly #upkeep: Upkeep
  #stopping = false
  #stoppedAt = Infinity
  readonly #timeout: StoreTimeout
  #failure: { error: unknown } | undefined

  constructor(props: QueueRunProps) {
    this.#props = props
    const { store, kinds, concurrency, leaseMs, signal } = props
    const clock = this.#clock
    const log = this.#log
    this.#ready = new Notify(clock, signal)
    this.#freed = new Notify(clock, signal)
    this.#prefetch = new Prefetch(concurrency, 0)
    this.#timeout = new StoreTimeout(clock, this.#context.scope.graceMs)
    this.#watch = new ClaimWatch({ clock, leaseMs, onSilent: () => log.silent(leaseMs) })
    this.#upkeep = new Upkeep({
      store,
      kinds,
      retention: props.retention,
      clock,
      context: this.#context,
      ask: (call) => this.#ask(call),
      onRules: ({ limited }) => this.#prefetch.allow(limited ? 0 : props.prefetch),
      onFailure: this.#fail,
    })
    this.#claims = new RunClaims({
      store,
      kinds: [...kinds.keys()],
      leaseMs,
      clock,
      maxCrashes: props.maxCrashes,
      maxHeldBytes: props.maxHeldBytes,
      onLost: (job) => this.#held.abort(job, jobLost(job.id)),
      onRenewed: () => log.available('renewals'),
      onError: (error) => log.unavailable('renewals', error),
      onHeldBack: () => log.heldBack(props.maxHeldBytes),
      onClockSet: (byMs) => log.clockSet(byMs),
      onRoom: () => this.#hasRoom(),
    })
    this.#settler = new Settler({
      store,
      clock,
      onRetry: (error, delayMs) => log.unavailable('outcomes', error, delayMs),
      onSettled: (batch) => this.#settled(batch),
      onRefused: (settlement, error) => log.refused(settlement, error),
      onFailure: this.#fail,
    })
    this.#apart = new ApartSettlements({
      store,
      clock,
      onRetry: (error, delayMs) => log.unavailable('outcomes', error, delayMs),
      onSettled: (batch) => this.#settled(batch),
      onRefused: (settlement) => this.#settler.add(settlement),
    })
    this.#idleTime = new IdleTime({ ...props, clock, ask: (call) => this.#ask(call) })
    this.#giveBack = new GiveBack({
      release: (jobs) => this.#release(jobs),
      onGivenUp: (error) => log.notGivenBack(error),
      onFailure: this.#fail,
    })
    this.#held = new HeldJobs({
      kinds,
      concurrency,
      clock,
      context: () => this.#context.child(),
      mayStart: (job) => this.#mayStart(job),
      onEnd: (attempt, performed) => this.#ended(attempt, performed),
    })
    this.#overdue = new OverdueJobs(this.#held, clock, (jobs) => {
      this.#prefetch.stalled()
      this.#giveBack.add(jobs)
    })
  }

  async run(): Promise<void> {
    const { store, kinds, signal } = this.#props
    const stop = (): void => this.#stop(signal.reason)
    const offCompleting = store.onCompleting((held) => this.#held.completing(held))
    onAbort(signal, stop)
    try {
      await this.#upkeep.begin()
      const unlisten = await this.#ask(() => store.listen(() => this.#ready.notify(), [...kinds.keys()]))
      await this.#claimUntilStopped().finally(() => this.#ask(unlisten))
    } catch (error) {
      this.#fail(error)
    }
    await this.#windDown()
    offCompleting()
    offAbort(signal, stop)
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async #claimUntilStopped(): Promise<void> {
    while (!this.#stopping) {
      const limit = this.#claims.room(this.#prefetch.room(this.#held.count, this.#settler.unsettled))
      if (limit === 0) await this.#freed.wait(Infinity)
      else if (!(await this.#claim(limit))) await this.#idle()
    }
  }

  /** Leases have ended: what was done is recorded, and what goes on is renewed, before it claims again. */
  async #catchUp(): Promise<void> {
    while (this.#settler.unsettled > 0 && !this.#stopping) await this.#freed.wait(Infinity)
    await this.#claims.catchUp(this.#props.signal)
  }

  async #idle(): Promise<void> {
    const { store, kinds, pollIntervalMs } = this.#props
    const asks = this.#upkeep.rules.rated && !this.#stopping
    const opensInMs = asks ? await this.#ask(() => store.rateOpensIn([...kinds.keys()])) : undefined
    // A place under a limit that gets free elsewhere is told to nobody.
    const idleMs = this.#upkeep.rules.limited || this.#stopping ? pollIntervalMs : await this.#idleTime.next()
    if (await this.#ready.wait(Math.min(idleMs, opensInMs ?? Infinity))) this.#idleTime.reset()
  }

  /** @returns whether there may be more to claim */
  async #claim(limit: number): Promise<boolean> {
    if (this.#claims.haveEnded()) await this.#catchUp()
    if (this.#stopping) return false
    this.#watch.asked()
    const giveBack = (late: ClaimedJob[]): void => this.#giveBack.add(late)
    const jobs = await this.#ask(() => this.#claims.claim(limit), giveBack)
    this.#watch.answered()
    this.#log.available('claims')
    this.#context.record?.ready()
    if (jobs.length > 0) this.#idleTime.reset()
    if (this.#stopping) this.#giveBack.add(jobs)
    else this.#held.add(jobs)
    this.#overdue.watch()
    return jobs.length === limit || this.#claims.isApart
  }

  #hasRoom(): void {
    this.#ready.notify()
    this.#freed.notify()
  }

  #mayStart(job: ClaimedJob): boolean {
    if (!this.#claims.holds(job)) {
      // A renewal that is still on its way must not keep it from others.
      this.#giveBack.add([job])
      return false
    }
    const outcome = judgeCrashes(job, this.#props.maxCrashes)
    if (outcome !== undefined) this.#settle(settlementOf(job, outcome, 0))
    return outcome === undefined
  }

  #ended(attempt: Attempt, performed: Performed): void {
    const { job, durationMs } = attempt
    this.#prefetch.ended(durationMs)
    this.#claims.handled(job)
    const settlement = settlementOf(job, judge(performed, this.#props.store.maxJson), durationMs)
    this.#settle(settlement, performed, attempt.isCompleting ? this.#apart : this.#settler)
    this.#freed.notify()
  }

  #settle(
    settlement: JobSettlement,
    performed?: Performed,
    settler: { add(settlement: JobSettlement): void } = this.#settler,
  ): void {
    this.#log.ended(settlement, performed)
    settler.add(settlement)
  }

  #settled(batch: readonly JobSettlement[]): void {
    this.#letGo(batch.map(({ job }) => job))
    this.#log.available('outcomes')
    this.#context.record?.signOfLife()
    this.#freed.notify()
    // Of a limited kind, the next may start now.
    if (this.#upkeep.rules.limited) this.#ready.notify()
  }

  #letGo(jobs: readonly ClaimedJob[]): void {
    this.#claims.delete(jobs)
    // Nothing is left that a renewal could fail for.
    if (this.#claims.areNone) this.#log.available('renewals')
  }

  #release(jobs: readonly ClaimedJob[]): Promise<void> {
    this.#letGo(jobs)
    return this.#ask(() => this.#props.store.release(jobs))
  }

  /** Tries for as long as the store can't be reached, unless told to stop; then it waits a moment for the answer. */
  #ask<T>(call: () => Promise<T>, onLate?: (answer: T) => void): Promise<T> {
    const onRetry = (error: unknown, delayMs: number): void => this.#log.unavailable('claims', error, delayMs)
    const { signal } = this.#props
    const givesUp = (): boolean => this.#stopping
    const answer = untilAvailable(call, { clock: this.#clock, signal, givesUp, onRetry })
    return this.#timeout.bound(answer, { onLate })
  }

  readonly #fail = (error: unknown): void => {
    // A store that can't be reached when told to stop: nothing is held, or its lease frees it.
    if (this.#stopping && error instanceof StoreUnavailableError) return
    this.#failure ??= { error }
    this.#stop(error)
  }

  #stop(reason: unknown): void {
    if (this.#stopping) return
    this.#stopping = true
    this.#stoppedAt = this.#clock.elapsed()
    this.#timeout.stop()
    this.#upkeep.stop()
    this.#overdue.stop()
    // Before a handler that ends now makes room for them.
    this.#giveBack.add(this.#held.takeWaiting())
    this.#held.abortAll(reason)
    this.#ready.notify()
    this.#freed.notify()
  }

  /** How long outcomes are still tried to be recorded: a lease, and no longer than most of the group's grace. */
  get #settlingMs(): number {
    const { leaseMs } = this.#props
    const { graceMs } = this.#context.scope
    if (graceMs === undefined) return leaseMs
    const leftMs = this.#stoppedAt + graceMs * SETTLING_SHARE - this.#clock.elapsed()
    return Math.max(graceMs * LAST_SHARE, Math.min(leaseMs, leftMs))
  }

  async #windDown(): Promise<void> {
    this.#watch.stop()
    await this.#held.idle()
    await this.#apart.finish(this.#settlingMs)
    await this.#settler.finish(this.#settlingMs)
    await this.#giveBack.finish()
    this.#claims.stop()
    await this.#upkeep.finish()
  }
}
