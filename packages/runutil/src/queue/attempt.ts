import type { AsyncScope } from '../core/async-scope.ts'
import type { Clock, Timer } from '../core/clock.ts'
import { DeadlineExceededError } from './errors.ts'
import type { ClaimedJob } from './job.ts'
import type { Kind } from './kind.ts'
import { type HandlerResult, isThenable, perform } from './perform.ts'

/** One call of a handler, with a signal of its own: it aborts for a stop, a lost lease and the deadline. */
export class Attempt {
  readonly job: ClaimedJob
  /** Its job is completed in a transaction that may still be open. */
  isCompleting = false
  readonly #kind: Kind
  readonly #clock: Clock
  readonly #stores: AsyncScope
  readonly #startedAt: number
  readonly #controller = new AbortController()
  #deadline: Timer | undefined

  /** @param stores what the handler hears of an abort in */
  constructor(job: ClaimedJob, kind: Kind, clock: Clock, stores: AsyncScope) {
    this.job = job
    this.#kind = kind
    this.#clock = clock
    this.#stores = stores
    this.#startedAt = clock.elapsed()
  }

  /** How long it has taken up to now. */
  get durationMs(): number {
    return this.#clock.elapsed() - this.#startedAt
  }

  /** The first reason stays. */
  abort(reason: unknown): void {
    this.#stores.run(() => this.#controller.abort(reason))
  }

  /** Never rejects. It doesn't wait for a handler that outlasts its deadline. */
  run(): HandlerResult | Promise<HandlerResult> {
    const { deadlineMs } = this.#kind
    const result = perform(this.job, this.#kind, this.#controller.signal)
    if (deadlineMs === undefined || !isThenable(result)) return result
    return this.#withinDeadline(result, deadlineMs)
  }

  #withinDeadline(result: Promise<HandlerResult>, deadlineMs: number): Promise<HandlerResult> {
    return new Promise((resolve) => {
      this.#deadline = this.#clock.setTimeout(() => {
        const error = new DeadlineExceededError(deadlineMs)
        resolve({ kind: 'overdue', error })
        this.abort(error)
      }, deadlineMs)
      void result.then((ended) => {
        this.#deadline?.clear()
        resolve(ended)
      })
    })
  }
}
