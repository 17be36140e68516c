import { AsyncScope, inNewScope } from '../core/async-scope.ts'
import type { Clock } from '../core/clock.ts'
import { type Context, withContext } from '../core/context.ts'
import { macrotask } from '../core/event-loop.ts'
import { Attempt, type RunningJob } from './attempt.ts'
import type { ClaimSignals } from './claim-signals.ts'
import { jobLost } from './errors.ts'
import type { Held } from './job-store.ts'
import type { ClaimedJob } from './job.ts'
import type { Kind } from './kind.ts'
import type { ObservedJobStore } from './observed-job-store.ts'
import { type HandlerResult, isThenable } from './perform.ts'
import type { Prefetch } from './prefetch.ts'
import type { Releaser } from './releaser.ts'
import type { RunClaims } from './run-claims.ts'
import type { RunOutcomes } from './run-outcomes.ts'

export interface JobSlotsProps {
  readonly store: ObservedJobStore
  readonly kinds: ReadonlyMap<string, Kind>
  readonly concurrency: number
  readonly clock: Clock
  /** The run's context; each handler gets a child of it. */
  readonly context: Context
  readonly claims: RunClaims
  readonly prefetch: Prefetch
  readonly releaser: Releaser
  readonly outcomes: RunOutcomes
  readonly signals: ClaimSignals
}

/** Jobs started per turn of the event loop, so that timers, signals and I/O aren't held up. */
const MOST_IN_A_TURN = 32
/** So many running jobs are shown. */
const MOST_SHOWN = 100

/** The jobs that a run has claimed and that haven't ended: waiting ─► running ─► ended. At most `concurrency` run. */
export class JobSlots {
  readonly #props: JobSlotsProps
  /** The scope in which the worker runs. */
  readonly #scope = new AsyncScope()
  readonly #running = new Map<ClaimedJob, Attempt>()
  #waiting: ClaimedJob[] = []
  #startedInTurn = 0
  #onIdle: () => void = () => {}

  constructor(props: JobSlotsProps) {
    this.#props = props
  }

  get count(): number {
    return this.#running.size + this.#waiting.length
  }

  /** How many more jobs can start at once. */
  get free(): number {
    return Math.max(0, this.#props.concurrency - this.count)
  }

  get waiting(): readonly ClaimedJob[] {
    return this.#waiting
  }

  add(jobs: readonly ClaimedJob[]): void {
    this.#waiting.push(...jobs)
    this.#startNext()
  }

  /** Removes and returns the waiting jobs; with `last`, those up to and including it, none if it no longer waits. */
  takeWaiting(last?: ClaimedJob): ClaimedJob[] {
    return this.#waiting.splice(0, last === undefined ? Infinity : this.#waiting.indexOf(last) + 1)
  }

  /** Removes and returns the waiting jobs of a kind. */
  takeWaitingOf(kind: string): ClaimedJob[] {
    const taken = this.#waiting.filter((job) => job.kind === kind)
    this.#waiting = this.#waiting.filter((job) => job.kind !== kind)
    return taken
  }

  /** The lease of a job is lost: aborts its handler if it runs. A waiting job is released instead of started. */
  leaseLost(job: ClaimedJob): void {
    this.#running.get(job)?.abort(jobLost(job.id))
  }

  abortAll(reason: unknown): void {
    for (const attempt of this.#running.values()) attempt.abort(reason)
  }

  /** These jobs are being completed in their handlers' transactions. */
  completing(held: readonly Held[]): void {
    for (const [{ id, claim }, attempt] of this.#running) {
      if (held.some((one) => one.id === id && one.claim === claim)) attempt.isCompleting = true
    }
  }

  /** The jobs that have run for longest, and how many wait here. */
  get detail(): { running: RunningJob[]; waiting: number } {
    const oldest = [...this.#running.values()].slice(0, MOST_SHOWN)
    return { running: oldest.map(({ detail }) => detail), waiting: this.#waiting.length }
  }

  /** Resolves when no handler runs any more. */
  async idle(): Promise<void> {
    if (this.#running.size > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
  }

  #startNext(): void {
    while (this.#running.size < this.#props.concurrency && this.#waiting.length > 0) {
      if (this.#startedInTurn === MOST_IN_A_TURN) return
      if (this.#startedInTurn++ === 0) void macrotask().then(this.#nextTurn)
      const job = this.#waiting.shift()!
      if (this.#props.claims.mayStart(job)) this.#start(job)
      // Other workers can have it: a renewal still in flight must not keep it from them.
      else this.#props.releaser.add([job])
    }
  }

  readonly #onReport = ({ job, context }: Attempt): void => {
    this.#props.claims.progressed(job, context.progress!)
  }

  readonly #onProgress = ({ job, context }: Attempt): void => {
    this.#props.store.progressed(job, context.progress!)
  }

  readonly #nextTurn = (): void => {
    this.#startedInTurn = 0
    this.#startNext()
  }

  #start(job: ClaimedJob): void {
    const { kinds, clock, context, store } = this.#props
    const attempt = new Attempt({
      job,
      kind: kinds.get(job.kind)!,
      clock,
      stores: this.#scope,
      context: context.child(),
      onReport: this.#onReport,
      onProgress: this.#onProgress,
    })
    attempt.traced = store.tracer?.attempt(job, attempt.context)
    this.#running.set(job, attempt)
    const result = inNewScope(() => withContext(attempt.context, runAttempt, attempt))
    if (isThenable(result)) void result.then((ended) => this.#endedLater(attempt, ended))
    else this.#ended(attempt, result)
  }

  #endedLater(attempt: Attempt, result: HandlerResult): void {
    this.#ended(attempt, result)
    this.#startNext()
  }

  #ended(attempt: Attempt, result: HandlerResult): void {
    const { prefetch, claims, outcomes, signals } = this.#props
    const { job, durationMs } = attempt
    this.#running.delete(job)
    attempt.ended()
    prefetch.ended(durationMs)
    claims.handled(job)
    outcomes.add(attempt, result)
    signals.freed.notify()
    if (this.#running.size === 0) this.#onIdle()
  }
}

function runAttempt(attempt: Attempt): HandlerResult | Promise<HandlerResult> {
  return attempt.run()
}
