import { offAbort, onAbort } from '../core/abort.ts'
import { Context, currentClock, currentContext, newScope } from '../core/context.ts'
import { StoreUnavailableError } from '../core/unavailable.ts'
import { Doorbell } from './doorbell.ts'
import { ErrLostLease } from './errors.ts'
import { HeldJobs } from './held-jobs.ts'
import type { Attempt } from './attempt.ts'
import type { ClaimedJob } from './job.ts'
import { judge, judgeCrashes } from './judge.ts'
import type { Kind } from './kind.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { isLimited } from './limits.ts'
import type { ObservedJobStore } from './observed-job-store.ts'
import { type JobSettlement, type Outcome, settlementOf } from './outcome.ts'
import { OverdueJobs } from './overdue-jobs.ts'
import type { Performed } from './perform.ts'
import { Prefetch } from './prefetch.ts'
import { Pruner } from './pruner.ts'
import { RunLog } from './run-log.ts'
import { Settler } from './settler.ts'
import { untilAvailable } from './until-available.ts'
import type { WorkerSettings } from './worker-settings.ts'

export interface QueueRunProps extends WorkerSettings {
  readonly store: ObservedJobStore
  readonly kinds: ReadonlyMap<string, Kind>
  readonly signal: AbortSignal
}

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
  readonly #bell: Doorbell
  readonly #held: HeldJobs
  readonly #keeper: LeaseKeeper<ClaimedJob>
  readonly #settler: Settler<JobSettlement>
  readonly #prefetch: Prefetch
  readonly #overdue: OverdueJobs
  readonly #pruner: Pruner
  readonly #idleMs: number
  #stopping = false
  #failure: { error: unknown } | undefined
  #released: Promise<unknown> = Promise.resolve()

  constructor(props: QueueRunProps) {
    this.#props = props
    const { store, kinds, concurrency, leaseMs, signal } = props
    const [clock, log] = [this.#clock, this.#log]
    const limits = [...kinds.values()].map((kind) => kind.limits)
    this.#bell = new Doorbell(clock, signal)
    this.#prefetch = new Prefetch(concurrency, limits.some(isLimited) ? 0 : props.prefetch)
    this.#idleMs = Math.min(props.pollIntervalMs, ...limits.map(({ rate }) => rate?.perMs ?? Infinity))
    this.#pruner = new Pruner(store, clock, props.retentionMs)
    this.#keeper = new LeaseKeeper({
      ...{ store, leaseMs, clock, onError: (error) => log.unavailable(error) },
      onLost: (job) => this.#held.abort(job, new ErrLostLease(job.id)),
    })
    this.#settler = new Settler({
      ...{ store, clock, patienceMs: leaseMs, onRetry: (error, delayMs) => log.unavailable(error, delayMs) },
      onSettled: (batch) => this.#settled(batch),
    })
    this.#held = new HeldJobs({
      ...{ kinds, concurrency, clock, context: () => this.#context.child() },
      mayStart: (job) => this.#mayStart(job),
      onEnd: (attempt, performed) => this.#ended(attempt, performed),
    })
    this.#overdue = new OverdueJobs(this.#held, clock, (jobs) => {
      this.#prefetch.stalled()
      this.#giveBack(jobs)
    })
  }

  async run(): Promise<void> {
    const { store, kinds, signal } = this.#props
    const stop = (): void => this.#stop(signal.reason)
    onAbort(signal, stop)
    try {
      await this.#ask(() => store.limit(new Map([...kinds].map(([name, { limits }]) => [name, limits]))))
      const unlisten = await this.#ask(() => store.listen(() => this.#bell.ring()))
      await this.#claimUntilStopped().finally(() => unlisten())
    } catch (error) {
      this.#fail(error)
    }
    await this.#windDown()
    offAbort(signal, stop)
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async #claimUntilStopped(): Promise<void> {
    while (!this.#stopping) {
      const limit = this.#room()
      if (limit === 0) await this.#bell.wait(Infinity)
      else if ((await this.#claim(limit)) < limit && !this.#stopping) await this.#idle()
    }
  }

  async #idle(): Promise<void> {
    await this.#ask(() => this.#pruner.prune())
    await this.#bell.wait(this.#idleMs)
  }

  #room(): number {
    return this.#prefetch.room(this.#held.count, this.#settler.unsettled)
  }

  async #claim(limit: number): Promise<number> {
    const { store, kinds, leaseMs } = this.#props
    const sentAt = this.#clock.elapsed()
    const jobs = await this.#ask(() => store.claim([...kinds.keys()], limit, leaseMs))
    this.#log.available()
    if (this.#stopping) return this.#release(jobs).then(() => 0)
    for (const job of jobs) this.#keeper.add(job, sentAt)
    this.#held.add(jobs)
    this.#overdue.watch()
    return jobs.length
  }

  #mayStart(job: ClaimedJob): boolean {
    if (!this.#keeper.holds(job)) {
      // A renewal that is still on its way must not keep it from others.
      this.#giveBack([job])
      return false
    }
    const outcome = judgeCrashes(job, this.#props.maxCrashes)
    if (outcome !== undefined) this.#settle(job, outcome, 0)
    return outcome === undefined
  }

  #ended(attempt: Attempt, performed: Performed): void {
    const { job, durationMs } = attempt
    this.#prefetch.ended(durationMs)
    this.#settle(job, judge(performed), durationMs, performed)
    if (this.#room() > 0) this.#bell.ring()
  }

  #settle(job: ClaimedJob, outcome: Outcome, durationMs: number, performed?: Performed): void {
    const settlement = settlementOf(job, outcome, durationMs)
    this.#log.ended(settlement, performed)
    this.#settler.add(settlement, this.#fail)
  }

  #settled(batch: readonly JobSettlement[]): void {
    for (const { job } of batch) this.#keeper.delete(job)
    this.#bell.ring()
  }

  #giveBack(jobs: readonly ClaimedJob[]): void {
    this.#released = Promise.all([this.#released, this.#release(jobs)])
  }

  async #release(jobs: readonly ClaimedJob[]): Promise<void> {
    if (jobs.length === 0) return
    for (const job of jobs) this.#keeper.delete(job)
    try {
      await this.#ask(() => this.#props.store.release(jobs))
    } catch (error) {
      this.#log.givenUp(error, 'jobs not given back; they are free when their lease has run out')
      if (!(error instanceof StoreUnavailableError)) this.#fail(error)
    }
  }

  /** Tries for as long as the store can't be reached, unless told to stop. */
  #ask<T>(call: () => Promise<T>): Promise<T> {
    const onRetry = (error: unknown, delayMs: number): void => this.#log.unavailable(error, delayMs)
    const { signal } = this.#props
    return untilAvailable(call, { clock: this.#clock, signal, givesUp: () => this.#stopping, onRetry })
  }

  readonly #fail = (error: unknown): void => {
    // A store that can't be reached when told to stop: nothing is held, or its lease frees it.
    if (this.#stopping && error instanceof StoreUnavailableError) return
    this.#failure ??= { error }
    this.#stop(error)
  }

  #stop(reason: unknown): void {
    this.#stopping = true
    this.#overdue.stop()
    // Before a handler that ends now makes room for them.
    this.#giveBack(this.#held.takeWaiting())
    this.#held.abortAll(reason)
    this.#bell.ring()
  }

  async #windDown(): Promise<void> {
    await this.#held.idle()
    await this.#settler.finish()
    await this.#released
    this.#keeper.stop()
  }
}
