import { type LinkedController, linkedController } from '../core/linked-controller.ts'
import { offAbort, onAbort } from '../core/abort.ts'
import type { Clock } from '../core/clock.ts'
import { keepAlive } from '../core/event-loop.ts'
import { toError } from '../core/thrown.ts'
import { type Failure, ShutdownTimeoutError, WorkerGroupError, attribute } from './errors.ts'
import type { Grace } from './grace.ts'

/** A job of a group. */
export interface GroupJob {
  /** Its name in errors. */
  readonly label: string
  start(signal: AbortSignal): Promise<void>
}

export interface JobGroupProps {
  readonly jobs: readonly GroupJob[]
  readonly signal: AbortSignal | undefined
  /** Begins when the group stops. */
  readonly grace: Grace
  readonly clock: Clock
  readonly keepsAlive: boolean
}

/** More listeners make a signal slow. */
const JOBS_PER_SIGNAL = 64

/** Jobs that run side by side, once each; none is cancelled when another fails. */
export class JobGroup {
  readonly #props: JobGroupProps
  readonly #controllers: LinkedController[] = []
  readonly #failures: Failure[] = []
  readonly #running: Set<GroupJob>
  #settle: () => void = () => {}

  constructor(props: JobGroupProps) {
    this.#props = props
    this.#running = new Set(props.jobs)
  }

  /** @throws WorkerGroupError */
  async run(): Promise<void> {
    const { jobs, signal, keepsAlive } = this.#props
    if (jobs.length === 0) return
    const alive = keepsAlive ? keepAlive() : undefined
    const settled = new Promise<void>((resolve) => (this.#settle = resolve))
    const stop = (): void => this.#stop(signal?.reason)
    onAbort(signal, stop)
    for (const [at, job] of jobs.entries()) this.#start(job, at)
    await settled
    offAbort(signal, stop)
    alive?.clear()
    if (this.#failures.length > 0) throw new WorkerGroupError(this.#failures)
  }

  #start(job: GroupJob, at: number): void {
    const { signal } = this.#props
    // The job is not started.
    if (signal?.aborted === true) return this.#ended(job, { error: signal.reason })
    if (at % JOBS_PER_SIGNAL === 0) this.#controllers.push(linkedController())
    job.start(this.#controllers.at(-1)!.signal).then(
      () => this.#ended(job),
      (error: unknown) => this.#ended(job, { error }),
    )
  }

  #ended(job: GroupJob, thrown?: { error: unknown }): void {
    if (thrown !== undefined) {
      const error = toError(thrown.error)
      attribute(error, job.label)
      this.#failures.push({ worker: job.label, error })
    }
    this.#running.delete(job)
    if (this.#running.size === 0) this.#settle()
  }

  #stop(reason: unknown): void {
    for (const controller of this.#controllers) controller.abort(reason)
    const { grace, clock } = this.#props
    grace.begin()
    const { ms } = grace
    if (ms === undefined) return
    const timer = clock.setTimeout(() => {
      const late = Array.from(this.#running, ({ label }) => label)
      this.#failures.push({ worker: late.join(', '), error: new ShutdownTimeoutError(late, ms) })
      this.#settle()
    }, ms)
    const settle = this.#settle
    this.#settle = () => {
      timer.clear()
      settle()
    }
  }
}
