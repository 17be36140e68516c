import type { AsyncScope } from '../core/async-scope.ts'
import { type Clock, elapsedNow, type Timer } from '../core/clock.ts'
import type { Context } from '../core/context.ts'
import { dateAt } from '../core/date-at.ts'
import type { Progress, ProgressListener } from '../core/progress.ts'
import { Throttle } from '../core/throttle.ts'
import { isInstance } from '../core/thrown.ts'
import { DeadlineExceededError, RetryableError } from './errors.ts'
import type { ClaimedJob } from './job.ts'
import type { TracedAttempt } from './job-tracer.ts'
import type { Kind } from './kind.ts'
import { type HandlerResult, isThenable, perform } from './perform.ts'

/** A job that runs, as the tree shows it. */
export interface RunningJob {
  readonly id: string
  readonly kind: string
  readonly attempt: number
  readonly since: Date
  /** What its handler last reported. */
  readonly progress?: Progress
  readonly traceId: string
}

export interface AttemptProps {
  readonly job: ClaimedJob
  readonly kind: Kind
  readonly clock: Clock
  /** The async scope in which the signal's listeners run on an abort. */
  readonly stores: AsyncScope
  /** The context in which the handler runs. */
  readonly context: Context
  /** Called with each report of progress. */
  readonly onReport: (attempt: Attempt) => void
  /** Called at the first report at once, and then at most once a second. */
  readonly onProgress: (attempt: Attempt) => void
}

/** How long a handler has after the abort at its deadline. */
const AFTER_DEADLINE_MS = 1_000
/** The shortest time between two events of a job's progress. */
const PROGRESS_EVERY_MS = 1_000

/** One call of a handler, with a signal of its own, which aborts on a stop, a lost lease or the deadline. */
export class Attempt implements ProgressListener {
  readonly job: ClaimedJob
  /** Whether the job is being completed in a transaction, which may still be open. */
  isCompleting = false
  /** Set before it runs; undefined: nobody follows it. */
  traced: TracedAttempt | undefined
  readonly #kind: Kind
  readonly #clock: Clock
  readonly #stores: AsyncScope
  /** On the scale of `clock.elapsed()`. */
  readonly startedAt: number
  #durationMs: number | undefined
  /** The one that its handler runs in. */
  readonly context: Context
  readonly #controller = new AbortController()
  readonly #onReport: (attempt: Attempt) => void
  readonly #onProgress: (attempt: Attempt) => void
  #deadline: Timer | undefined
  #progressEvents: Throttle | undefined

  constructor({ job, kind, clock, stores, context, onReport, onProgress }: AttemptProps) {
    this.job = job
    this.context = context
    this.#kind = kind
    this.#clock = clock
    this.#stores = stores
    this.startedAt = elapsedNow(clock)
    this.#onReport = onReport
    this.#onProgress = onProgress
    context.progressListener = this
  }

  /** How long the attempt took: read it once that has ended. */
  get durationMs(): number {
    return (this.#durationMs ??= elapsedNow(this.#clock) - this.startedAt)
  }

  /** What the tree shows of it. */
  get detail(): RunningJob {
    const { id, kind, attempt } = this.job
    const since = dateAt(this.#clock, this.startedAt)
    const { progress, spanIds } = this.context
    const traceId = spanIds?.trace_id ?? this.context.id
    return {
      id,
      kind,
      attempt,
      since,
      ...(progress !== undefined && { progress }),
      traceId,
    }
  }

  progressed(): void {
    this.#onReport(this)
    this.#progressEvents ??= new Throttle(() => this.#onProgress(this), PROGRESS_EVERY_MS, this.#clock)
    this.#progressEvents.call()
  }

  /** Its result is known; a handler that outlasts its deadline may go on. */
  ended(): void {
    this.context.progressListener = undefined
    this.#progressEvents?.stop()
  }

  /** The first reason stays. */
  abort(reason: unknown): void {
    this.#stores.run(() => this.#controller.abort(reason))
  }

  /** Never rejects. Waits no longer than a moment for a handler that outlasts its deadline. */
  run(): HandlerResult | Promise<HandlerResult> {
    const { deadlineMs } = this.#kind
    const result = this.traced === undefined ? this.#perform() : this.traced.run(() => this.#perform())
    if (deadlineMs === undefined || !isThenable(result)) return result
    return this.#withinDeadline(result, deadlineMs)
  }

  #perform(): HandlerResult | Promise<HandlerResult> {
    return perform(this.job, this.#kind, this.#controller.signal)
  }

  #withinDeadline(result: Promise<HandlerResult>, deadlineMs: number): Promise<HandlerResult> {
    return new Promise((resolve) => {
      this.#deadline = this.#clock.setTimeout(() => {
        const overdue = { kind: 'overdue', error: new DeadlineExceededError(deadlineMs) } as const
        this.#deadline = this.#clock.setTimeout(() => resolve(overdue), AFTER_DEADLINE_MS)
        this.abort(overdue.error)
      }, deadlineMs)
      void result.then((ended) => {
        this.#deadline?.clear()
        resolve(this.#withDeadline(ended))
      })
    })
  }

  /** An error that its deadline has caused is the deadline's, unless the handler decides on a retry. */
  #withDeadline(ended: HandlerResult): HandlerResult {
    const { reason } = this.#controller.signal as { readonly reason: unknown }
    if (ended.kind !== 'threw' || !(reason instanceof DeadlineExceededError)) return ended
    return isInstance(ended.error, RetryableError) ? ended : { kind: 'overdue', error: reason }
  }
}
