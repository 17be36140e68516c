import { AsyncScope, inNewScope } from '../core/async-scope.ts'
import type { Clock } from '../core/clock.ts'
import { type Context, withContext } from '../core/context.ts'
import { macrotask } from '../core/event-loop.ts'
import { Attempt } from './attempt.ts'
import type { Held } from './job-store.ts'
import type { ClaimedJob } from './job.ts'
import type { Kind } from './kind.ts'
import { type Performed, isThenable } from './perform.ts'

export interface HeldJobsProps {
  readonly kinds: ReadonlyMap<string, Kind>
  readonly concurrency: number
  readonly clock: Clock
  /** What each handler runs in. */
  readonly context: () => Context
  /** Whether the job may start; if not, it is dropped. */
  readonly mayStart: (job: ClaimedJob) => boolean
  readonly onEnd: (attempt: Attempt, performed: Performed) => void
}

/** So many jobs start before timers, signals and I/O get their turn. */
const MOST_IN_A_TURN = 32

/** The jobs that a worker holds: waiting ─► running ─► ended. At most `concurrency` run. */
export class HeldJobs {
  readonly #props: HeldJobsProps
  /** Those in which the worker runs. */
  readonly #stores = new AsyncScope()
  readonly #running = new Map<ClaimedJob, Attempt>()
  #waiting: ClaimedJob[] = []
  #startedInTurn = 0
  #onIdle: () => void = () => {}

  constructor(props: HeldJobsProps) {
    this.#props = props
  }

  get count(): number {
    return this.#running.size + this.#waiting.length
  }

  get waiting(): readonly ClaimedJob[] {
    return this.#waiting
  }

  add(jobs: readonly ClaimedJob[]): void {
    this.#waiting.push(...jobs)
    this.#startNext()
  }

  /** Takes those out that haven't started; with `last`, those up to it, if it still waits. */
  takeWaiting(last?: ClaimedJob): ClaimedJob[] {
    return this.#waiting.splice(0, last === undefined ? Infinity : this.#waiting.indexOf(last) + 1)
  }

  /** Aborts the handler of a job, if it runs. One that waits is asked about when its turn comes. */
  abort(job: ClaimedJob, reason: unknown): void {
    this.#running.get(job)?.abort(reason)
  }

  abortAll(reason: unknown): void {
    for (const attempt of this.#running.values()) attempt.abort(reason)
  }

  /** These are being completed in transactions of their handlers'. */
  completing(held: readonly Held[]): void {
    for (const [{ id, claim }, attempt] of this.#running) {
      if (held.some((one) => one.id === id && one.claim === claim)) attempt.isCompleting = true
    }
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
      if (this.#props.mayStart(job)) this.#start(job)
    }
  }

  readonly #nextTurn = (): void => {
    this.#startedInTurn = 0
    this.#startNext()
  }

  #start(job: ClaimedJob): void {
    const { kinds, clock } = this.#props
    const attempt = new Attempt(job, kinds.get(job.kind)!, clock, this.#stores)
    this.#running.set(job, attempt)
    const performed = inNewScope(() => withContext(this.#props.context(), runAttempt, attempt))
    if (isThenable(performed)) void performed.then((ended) => this.#end(attempt, ended))
    else this.#ended(attempt, performed)
  }

  #end(attempt: Attempt, performed: Performed): void {
    this.#ended(attempt, performed)
    this.#startNext()
  }

  #ended(attempt: Attempt, performed: Performed): void {
    this.#running.delete(attempt.job)
    this.#props.onEnd(attempt, performed)
    if (this.#running.size === 0) this.#onIdle()
  }
}

function runAttempt(attempt: Attempt): Performed | Promise<Performed> {
  return attempt.run()
}
