import { offAbort, onAbort } from '../core/abort.ts'
import { Context, currentClock, currentContext, newScope } from '../core/context.ts'
import { ClaimSignals } from './claim-signals.ts'
import { ClaimLoop } from './claim-loop.ts'
import { ClaimWatch } from './claim-watch.ts'
import { JobSlots } from './job-slots.ts'
import type { Kind } from './kind.ts'
import { minuteTally } from './minute-tally.ts'
import type { ObservedJobStore } from './observed-job-store.ts'
import { OverdueJobs } from './overdue-jobs.ts'
import { Prefetch } from './prefetch.ts'
import { Releaser } from './releaser.ts'
import { RunClaims } from './run-claims.ts'
import { RunEnd } from './run-end.ts'
import { RunLog } from './run-log.ts'
import { RunOutcomes } from './run-outcomes.ts'
import { SettlingClaims } from './settling-claims.ts'
import { StoreCalls } from './store-calls.ts'
import { Upkeep } from './upkeep.ts'
import { WorkerRules } from './worker-rules.ts'
import type { WorkerSettings } from './worker-settings.ts'

export interface QueueRunProps extends WorkerSettings {
  readonly store: ObservedJobStore
  readonly kinds: ReadonlyMap<string, Kind>
  readonly signal: AbortSignal
}

/** Shares of the group's grace: when to stop recording outcomes, and the minimum time for it. */
const SETTLING_SHARE = 0.7
const LAST_SHARE = 0.2

/**
 * One run of a QueueWorker. Jobs flow one way, and each part knows only the parts downstream:
 *
 * ```
 *   store ── claim ──► RunClaims ──► JobSlots ──► Attempt ──► RunOutcomes ──► Settler ── settle ──► store
 *                      leases        waiting,     perform     judge           batches, retries
 *                                    running
 *                                       └──► Releaser ── release ──► store: jobs not started here
 * ```
 *
 * RunClaims counts a job as held from its claim until it is settled or released; then ClaimSignals wake the claim
 * loop. Few outcomes are settled by the next claim (SettlingClaims), larger batches while it runs: one slow job costs one statement
 * or two, a thousand short ones hardly more.
 *
 * 1. begin: reports the limits of this worker's kinds to the store (Upkeep, which then repeats that, prunes, and adds the minutes that
 *    RunOutcomes counts), and listens for new jobs.
 * 2. claim until stopped (ClaimLoop): waits while there is no room (RunClaims, Prefetch) and, after an empty claim, for a
 *    notification or the next poll (IdleTime). OverdueJobs releases jobs that wait too long in JobSlots.
 * 3. stop, on request or after a failure (RunEnd): releases waiting jobs, aborts running handlers, wakes the loop.
 * 4. wind down: handlers end, outcomes are recorded for as long as the grace allows, leases and limits are given up.
 */
export class QueueRun {
  readonly #props: QueueRunProps
  readonly #clock = currentClock()
  readonly #context = currentContext() ?? new Context(newScope({}), '')
  readonly #log = new RunLog(this.#context)
  readonly #end = new RunEnd()
  readonly #signals = new ClaimSignals(this.#clock, this.#end.signal)
  readonly #calls: StoreCalls
  readonly #claims: RunClaims
  readonly #outcomes: RunOutcomes
  readonly #releaser: Releaser
  readonly #slots: JobSlots
  readonly #overdue: OverdueJobs
  readonly #watch: ClaimWatch
  readonly #loop: ClaimLoop
  readonly #upkeep: Upkeep
  #stoppedAt = Infinity

  constructor(props: QueueRunProps) {
    this.#props = props
    const { graceMs } = this.#context.scope
    const common = { ...props, clock: this.#clock, log: this.#log, end: this.#end, signals: this.#signals }
    const calls = (this.#calls = new StoreCalls({ ...common, graceMs }))
    const rules = new WorkerRules({ ...common, logger: () => this.#context.logger })
    const minutes = minuteTally(props.store)
    const claims = (this.#claims = new RunClaims({ ...common, rules, minutes }))
    const outcomes = (this.#outcomes = new RunOutcomes({
      ...common,
      rules,
      claims,
      minutes,
      record: this.#context.record,
    }))
    const releaser = (this.#releaser = new Releaser({ ...common, calls, claims }))
    const prefetch = new Prefetch(props.concurrency, props.prefetch)
    const parts = { ...common, claims, outcomes, releaser, prefetch }
    const slots = (this.#slots = new JobSlots({ ...parts, context: this.#context }))
    const overdue = (this.#overdue = new OverdueJobs({ ...parts, slots }))
    const watch = (this.#watch = new ClaimWatch(common))
    const settling = new SettlingClaims({ ...parts, rules })
    this.#loop = new ClaimLoop({
      ...parts,
      context: this.#context,
      calls,
      rules,
      settling,
      slots,
      overdue,
      watch,
    })
    this.#upkeep = new Upkeep({ ...common, calls, rules, minutes })
  }

  async run(): Promise<void> {
    const { store, signal } = this.#props
    const stop = (): void => this.#end.stop(signal.reason)
    const offCompleting = store.onCompleting((held) => this.#slots.completing(held))
    const offPaused = store.onPaused((kind) => this.#loop.kindPaused(kind))
    onAbort(this.#end.signal, this.#stop)
    onAbort(signal, stop)
    try {
      const unlisten = await this.#begin()
      await this.#loop.run().finally(() => this.#calls.ask(unlisten))
    } catch (error) {
      this.#end.fail(error)
    }
    await this.#windDown()
    offCompleting()
    offPaused()
    offAbort(signal, stop)
    this.#end.throwIfFailed()
  }

  /** @returns a function that stops listening */
  async #begin(): Promise<() => Promise<void>> {
    const { store, kinds } = this.#props
    this.#claims.begin(this.#slots)
    await this.#upkeep.begin()
    return this.#calls.ask(() => store.listen(() => this.#signals.ready.notify(), [...kinds.keys()]))
  }

  readonly #stop = (): void => {
    this.#stoppedAt = this.#clock.elapsed()
    this.#calls.stop()
    this.#upkeep.stop()
    this.#overdue.stop()
    // First, so that a handler that ends now doesn't start one of them.
    this.#releaser.add(this.#slots.takeWaiting())
    this.#slots.abortAll(this.#end.signal.reason)
  }

  async #windDown(): Promise<void> {
    this.#watch.stop()
    await this.#slots.idle()
    await this.#outcomes.finish(() => this.#settlingMs)
    await this.#releaser.finish()
    this.#claims.stop()
    await this.#upkeep.finish()
  }

  /** How long to keep trying to record outcomes: one lease, but no more than most of the group's grace. */
  get #settlingMs(): number {
    const { leaseMs } = this.#props
    const { graceMs } = this.#context.scope
    if (graceMs === undefined) return leaseMs
    const leftMs = this.#stoppedAt + graceMs * SETTLING_SHARE - this.#clock.elapsed()
    return Math.max(graceMs * LAST_SHARE, Math.min(leaseMs, leftMs))
  }
}
