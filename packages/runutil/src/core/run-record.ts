import { elapsedNow } from './clock.ts'
import type { Context } from './context.ts'
import type { RunControls, WorkerRecord } from './worker-record.ts'

/** Records a worker's runs, for the tree and its events. */
export class RunRecord {
  readonly #context: Context
  readonly #record: WorkerRecord | undefined
  #startedAt = 0

  /** @param context the worker's context */
  constructor(context: Context) {
    this.#context = context
    this.#record = context.record
  }

  get isPaused(): boolean {
    return this.#record?.isPaused === true
  }

  /** Sets the controls that an operator may use; undefined when the worker ends. */
  controlledBy(controls: RunControls | undefined): void {
    if (this.#record !== undefined) this.#record.controls = controls
  }

  /** Sets how the watchdog finds out whether the worker has nothing to do. */
  idleWhen(isIdle: () => boolean): void {
    if (this.#record !== undefined) this.#record.live = { isIdle }
  }

  /** Sets how the details for the tree are computed; called when the tree is read. */
  describedBy(describe: () => unknown): void {
    if (this.#record !== undefined) this.#record.describe = describe
  }

  signOfLife(): void {
    this.#record?.signOfLife()
  }

  /** Sets when the next run is due; undefined while none is. */
  nextAt(date: Date | undefined): void {
    if (this.#record !== undefined) this.#record.nextRunAt = date
  }

  /** @param run the context that the run is called in */
  began(run: Context): void {
    const { clock } = this.#context.scope
    this.#startedAt = elapsedNow(clock)
    if (this.#record === undefined) return
    this.#record.running = {
      startedAt: new Date(clock.now()),
      traceId: this.#context.id,
      get progress() {
        return run.progress
      },
    }
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

/** The runs that an operator has triggered; each trigger settles with its run. */
export class TriggeredRuns {
  #waiting: PromiseWithResolvers[] = []
  #begun: PromiseWithResolvers[] = []

  /** Whether a triggered run has not begun yet. */
  get isAny(): boolean {
    return this.#waiting.length > 0
  }

  /** Whether the current run was triggered. */
  get isOn(): boolean {
    return this.#begun.length > 0
  }

  ask(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** One run serves all waiting triggers. */
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

  /** Rejects the waiting triggers, because there are no more runs. @param reason that of the abort, or the error of a run */
  stop(reason: unknown): void {
    for (const { reject } of this.#waiting) reject(reason)
    this.#waiting = []
  }
}

interface PromiseWithResolvers {
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}
