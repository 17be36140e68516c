import type { Context } from './context.ts'
import type { RunControls, WorkerRecord } from './worker-record.ts'

/** What is kept of a worker's runs, for whoever looks at the tree or listens. */
export class RunRecord {
  readonly #context: Context
  readonly #record: WorkerRecord | undefined
  #startedAt = 0

  /** @param context that of the worker */
  constructor(context: Context) {
    this.#context = context
    this.#record = context.record
  }

  get isPaused(): boolean {
    return this.#record?.isPaused === true
  }

  /** What an operator may do with it; undefined when it ends. */
  controlledBy(controls: RunControls | undefined): void {
    if (this.#record !== undefined) this.#record.controls = controls
  }

  /** What its watchdog asks: whether it has nothing to do. */
  idleWhen(isIdle: () => boolean): void {
    if (this.#record !== undefined) this.#record.live = { isIdle }
  }

  signOfLife(): void {
    this.#record?.signOfLife()
  }

  /** When the next run is due; undefined while none is. */
  nextAt(date: Date | undefined): void {
    if (this.#record !== undefined) this.#record.nextRunAt = date
  }

  began(): void {
    const { clock } = this.#context.scope
    this.#startedAt = clock.elapsed()
    if (this.#record === undefined) return
    this.#record.running = { startedAt: new Date(clock.now()), traceId: this.#context.id }
    this.#record.signOfLife()
  }

  ended(thrown?: { error: unknown }): void {
    if (this.#record === undefined) return
    this.#record.running = undefined
    this.#record.ran(this.#startedAt, thrown?.error)
  }

  missed(count: number): void {
    if (count > 0) this.#record?.missedRuns(count)
  }
}

/** Runs that an operator asked for, each of which is told how it went. */
export class TriggeredRuns {
  #waiting: PromiseWithResolvers[] = []
  #begun: PromiseWithResolvers[] = []

  /** Whether a run is wanted that hasn't begun. */
  get isAny(): boolean {
    return this.#waiting.length > 0
  }

  /** Whether the run that is on was asked for. */
  get isOn(): boolean {
    return this.#begun.length > 0
  }

  ask(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** One run is for all that wait for one. */
  begin(): void {
    this.#begun = this.#waiting
    this.#waiting = []
  }

  end(thrown?: { error: unknown }): void {
    for (const { resolve, reject } of this.#begun) {
      if (thrown === undefined) resolve()
      else reject(thrown.error)
    }
    this.#begun = []
  }

  /** There are no more runs, for this reason: an abort's, or the error of a run. */
  stop(reason: unknown): void {
    for (const { reject } of this.#waiting) reject(reason)
    this.#waiting = []
  }
}

interface PromiseWithResolvers {
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}
