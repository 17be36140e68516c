import { RunRecord } from '../core/run-record.ts'
import { workerKind } from '../core/worker-kind.ts'
import { offAbort, onAbort } from '../core/abort.ts'
import { inNewScope } from '../core/async-scope.ts'
import type { Clock } from '../core/clock.ts'
import { Context, currentContext, newScope, withContext } from '../core/context.ts'
import { dateAt } from '../core/date-at.ts'
import { type Duration, toStorableIntervalMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import { checkpoint, healthOf } from '../core/health.ts'
import { isAbortOf } from '../core/is-abort-of.ts'
import { linkedController } from '../core/linked-controller.ts'
import { logWarning } from '../core/log.ts'
import { checkName, checkOptions, checkText } from '../core/options.ts'
import { OutageLog } from '../core/outage-log.ts'
import { RenewedLease } from '../core/renewed-lease.ts'
import { callRun } from '../core/run-tracer.ts'
import { RunWatch } from '../core/run-watch.ts'
import { type RunLimits, runWithin } from '../core/run.ts'
import { StoreTimeout, type StoreTimeoutOptions } from '../core/store-timeout.ts'
import { sleep } from '../core/wait.ts'
import type { Worker } from '../core/worker.ts'
import { LeaseLostError } from './errors.ts'
import { withFence } from './fence.ts'
import { type LeasePlan, POLL_MS } from './lease-plan.ts'
import type { LeaseAnswer, LeaseStore, LeaseUse } from './lease-store.ts'

/** How long the store may take to answer before the worker is 'firing'. */
const SILENT_MS = 5_000

/** How many times the release of the lease is tried after a stop. */
const STOPPING_TRIES = 3

/** Options of `distributedRepeat`, `distributedCron` and `singleton`. */
export interface LeaseOptions {
  /** How long after the death of a process another process takes over. Default 30 s. */
  lease?: Duration | undefined
}

export interface LeasedWork {
  /** The kind of its node in the tree. */
  readonly kind: 'singleton' | 'repeat' | 'cron'
  readonly leases: LeaseStore
  readonly name: string
  readonly leaseMs: number
  /** Creates the plan of when the work is due; called at each start of the worker. */
  readonly newPlan: (clock: Clock) => LeasePlan
  /** The limits of each run. */
  readonly limits?: RunLimits
  readonly run: (signal: AbortSignal) => Promise<void> | void
}

/** @throws InvalidArgumentError, InvalidDurationError */
export function checkLease(what: string, leases: LeaseStore, name: string, options: LeaseOptions): number {
  if (!has(leases, 'acquire')) throw unexpected(what, 'a MemoryLeaseStore or PostgresLeaseStore', leases)
  checkName(name, `${what}: name`)
  checkText(name, `${what}: name`)
  const { lease = '30s' } = checkOptions(what, options, ['lease'])
  return toStorableIntervalMs(lease, `${what}: lease`)
}

export function leasedWorker(work: LeasedWork): Worker {
  const worker = { [workerKind]: work.kind, run: (signal: AbortSignal) => new LeasedRun(work, signal).run() }
  return worker
}

/** requesting ─► running ─► requesting …, until the abort. Errors of the store are logged, and the request is retried. */
class LeasedRun {
  readonly #work: LeasedWork
  readonly #signal: AbortSignal
  readonly #plan: LeasePlan
  readonly #context = currentContext() ?? new Context(newScope({}), '')
  readonly #clock = this.#context.scope.clock
  readonly #timeout = new StoreTimeout(this.#clock, this.#context.scope.graceMs)
  readonly #outage: OutageLog
  /** While the work runs. */
  #held: { readonly fence: number; readonly lease: RenewedLease } | undefined

  constructor(work: LeasedWork, signal: AbortSignal) {
    this.#work = work
    this.#signal = signal
    this.#outage = new OutageLog(`reach the store of lease ${work.name}`, () => this.#context.logger)
    this.#plan = work.newPlan(this.#clock)
  }

  async run(): Promise<void> {
    onAbort(this.#signal, this.#timeout.stop)
    new RunRecord(this.#context).describedBy(() => this.#detail)
    try {
      await this.#run()
    } finally {
      offAbort(this.#signal, this.#timeout.stop)
    }
  }

  get #detail(): object {
    const { name } = this.#work
    const plan = this.#plan.detail?.()
    if (this.#held === undefined) return { lease: name, held: false, ...plan }
    const { fence, lease } = this.#held
    return { lease: name, held: true, fence, until: dateAt(this.#clock, lease.expiresAt), ...plan }
  }

  async #run(): Promise<void> {
    const { leaseMs } = this.#work
    while (!this.#signal.aborted) {
      const askedAt = this.#clock.elapsed()
      const answer = await this.#ask()
      const waitMs = answer === undefined ? POLL_MS : await this.#plan.onAnswer(answer)
      if (answer?.kind !== 'acquired') await sleep(this.#clock, waitMs, this.#signal)
      // A process that could not keep the lease leaves it to others for a while.
      else if (!(await this.#hold(answer.fence, askedAt))) await sleep(this.#clock, leaseMs, this.#signal)
      else if (!this.#plan.isRepeated) return
    }
  }

  async #ask(): Promise<LeaseAnswer | undefined> {
    const { leases, name, leaseMs } = this.#work
    const silence = this.#clock.setTimeout(
      () => this.#storeFailed(new Error(`no answer within ${SILENT_MS} ms`)),
      SILENT_MS,
    )
    const onLate = (late: LeaseAnswer): void => {
      if (late.kind === 'acquired') leases.release(name, late.fence, 'unused').catch(() => {})
    }
    const asking = (): Promise<LeaseAnswer> => leases.acquire(name, { leaseMs, ...this.#plan.terms() })
    // After a stop, wait for the answer if the store has answered before, so that an acquired lease is released.
    const givesUpAtStop = (): boolean => this.#outage.isOngoing
    const answer = await this.#attempt(asking, { givesUpAtStop, onLate })
    silence.clear()
    if (answer !== undefined) this.#standBy()
    return answer
  }

  /** Standing by without the lease is 'ok', unless a run has failed before. */
  #standBy(): void {
    if (healthOf(this.#context) === 'init') checkpoint(this.#context, 'ok')
    this.#context.record?.ready()
    this.#storeAnswered()
  }

  /** Runs while the lease is held. @returns false if it was lost */
  async #hold(fence: number, askedAt: number): Promise<boolean> {
    const { leases, name, leaseMs } = this.#work
    const controller = linkedController(this.#signal)
    const { signal } = controller
    const onLost = (): void => controller.abort(new LeaseLostError(name))
    const onError = (error: unknown): void => this.#storeFailed(error)
    const renew = async (): Promise<boolean> => {
      const renewed = await leases.renew(name, fence, leaseMs)
      this.#storeAnswered()
      return renewed
    }
    const lease = new RenewedLease({ leaseMs, clock: this.#clock, renew, onLost, onError }, askedAt)
    let failure: { error: unknown } | undefined
    try {
      // Before the store answered, the lease may have expired, or the worker may have been stopped.
      lease.isLost()
      signal.throwIfAborted()
      this.#held = { fence, lease }
      await withFence(fence, () => this.#runOnce(signal))
    } catch (error) {
      failure = { error }
    }
    this.#held = undefined
    controller.dispose()
    const wasStopped = failure && isAbortOf(signal, failure.error)
    const isLost = lease.isLost()
    // A run that was stopped early does not use up the interval.
    const use = wasStopped ? 'unused' : failure && this.#plan.isRepeated ? 'failed' : 'done'
    if (isLost)
      await this.#timeout.bound(leases.release(name, fence, use), { limitMs: leaseMs }).catch(() => {})
    else await this.#releaseWhileHeld(lease, fence, use)
    lease.stop()
    if (!isLost) {
      if (failure) throw failure.error
      checkpoint(this.#context, 'ok')
    }
    // Another process has taken over: the failure of this run is not the worker's.
    else if (failure && !wasStopped) {
      logWarning(this.#context.logger, failure.error, `the run failed after it lost lease ${name}`)
    }
    return !isLost
  }

  async #runOnce(signal: AbortSignal): Promise<void> {
    const { limits = NO_LIMITS, run } = this.#work
    const context = this.#context.child(this.#plan.run)
    const watch = new RunWatch(this.#clock)
    const runs = this.#plan.isRepeated ? new RunRecord(this.#context) : undefined
    runs?.missed(this.#plan.run?.missed ?? 0)
    runs?.began(context)
    const slowAfterMs = limits.warnAfterMs === undefined ? this.#plan.slowAfterMs() : undefined
    if (slowAfterMs !== undefined) watch.begin(context, () => slowAfterMs)
    try {
      const call = (): Promise<void> => runWithin(limits, context, signal, run)
      // A singleton runs for as long as the program.
      const traced = runs === undefined ? call : (): Promise<void> => callRun(context, signal, call)
      await inNewScope(() => withContext(context, traced))
      runs?.ended()
    } catch (error) {
      runs?.ended({ error })
      throw error
    } finally {
      watch.end()
    }
  }

  /**
   * If the lease expires without a release, the store takes the process for dead, and the run is repeated. So while the release
   * fails, it is retried and the lease renewed.
   */
  async #releaseWhileHeld(lease: RenewedLease, fence: number, use: LeaseUse): Promise<void> {
    const { leases, name, leaseMs } = this.#work
    const release = (): Promise<boolean> => leases.release(name, fence, use).then(() => true)
    let tries = !this.#plan.isRepeated ? 1 : Math.ceil(leaseMs / POLL_MS)
    while (!(await this.#attempt(release)) && --tries > 0 && !lease.isLost()) {
      if (this.#signal.aborted) tries = Math.min(tries, STOPPING_TRIES - 1)
      await sleep(this.#clock, this.#signal.aborted ? this.#timeout.stoppingMs : POLL_MS)
    }
  }

  async #attempt<T>(call: () => Promise<T>, options: StoreTimeoutOptions<T> = {}): Promise<T | undefined> {
    try {
      return await this.#timeout.bound(call(), { limitMs: this.#work.leaseMs, ...options })
    } catch (error) {
      if (!(options.givesUpAtStop !== undefined && this.#signal.aborted)) this.#storeFailed(error)
      return undefined
    }
  }

  #storeFailed(error: unknown): void {
    this.#outage.failed(error)
    checkpoint(this.#context, 'firing')
  }

  #storeAnswered(): void {
    if (this.#outage.isOngoing) checkpoint(this.#context, 'ok')
    this.#outage.succeeded()
  }
}

const NO_LIMITS: RunLimits = { timeoutMs: undefined, warnAfterMs: undefined }
