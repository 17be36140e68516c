import { InvalidArgumentError } from '../core/errors.ts'
import type { RecordHost, WorkerRecord } from '../core/worker-record.ts'
import { type RunControl, runControls } from '../core/worker-kind.ts'
import type { Runnable } from '../core/worker.ts'
import { Child } from './child.ts'
import { markOf } from './named.ts'
import { WorkerStoppedError } from './restart-errors.ts'

/** What GroupControl needs from its supervisor. */
export interface ControlledGroup {
  isShared(child: Child): boolean
  setStopped(child: Child, isStopped: boolean): void
  untilStop<T>(promise: Promise<T>): Promise<T>
  throwIfStopping(): void
  startNow(child: Child): void
  hurry(stopBy: number): void
  add(child: Child): void
  remove(child: Child): void
}

/** An operator's control of the workers in one run of a supervisor. */
export class GroupControl implements RecordHost {
  readonly #supervisor: ControlledGroup
  readonly #add: (parent: WorkerRecord, worker: Runnable) => Child

  constructor(supervisor: ControlledGroup, add: (parent: WorkerRecord, worker: Runnable) => Child) {
    this.#supervisor = supervisor
    this.#add = add
  }

  /** Stops a worker until `start`, also across restarts of the others. */
  async stop(record: WorkerRecord): Promise<void> {
    const child = this.#childOf(record)
    if (this.#supervisor.isShared(child)) throw sharesSignal(child.path)
    this.#supervisor.setStopped(child, true)
    child.cancel()
    if (child.body !== undefined) {
      await this.#supervisor.untilStop(child.stop(new WorkerStoppedError(child.path), child.stopLimitMs))
    } else if (!isOver(record)) record.moveTo('stopped')
  }

  async start(record: WorkerRecord): Promise<void> {
    const child = this.#childOf(record)
    this.#supervisor.setStopped(child, false)
    child.cancel()
    if (child.body === undefined) this.#supervisor.startNow(child)
    await Promise.resolve()
  }

  async restart(record: WorkerRecord): Promise<void> {
    await this.stop(record)
    await this.start(record)
  }

  async remove(record: WorkerRecord): Promise<void> {
    const child = this.#childOf(record)
    await this.stop(record)
    this.#supervisor.remove(child)
  }

  hurry(stopBy: number): void {
    this.#supervisor.hurry(stopBy)
  }

  add(parent: WorkerRecord, worker: Runnable): string {
    this.#supervisor.throwIfStopping()
    const child = this.#add(parent, worker)
    this.#supervisor.add(child)
    return child.path
  }

  /** Whether the worker supports the control, also between two runs. */
  takes(record: WorkerRecord, control: RunControl): boolean {
    const marked = markOf(this.#childOf(record).spec.worker, runControls)
    return marked === 'trigger' || marked === control
  }

  /** @throws the reason to stop */
  throwIfStopping(): void {
    this.#supervisor.throwIfStopping()
  }

  #childOf({ owner }: WorkerRecord): Child {
    this.#supervisor.throwIfStopping()
    // `retry()` within an entry is not an entry of its own.
    let child = owner
    while (child instanceof Child && child.outer !== undefined) child = child.outer
    return child as Child
  }
}

function isOver({ state }: WorkerRecord): boolean {
  return state === 'done' || state === 'failed'
}

function sharesSignal(path: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `stop: expected a worker with a signal of its own; got ${path}, one of so many that it shares one with others; ` +
      'give it a stopTimeout, and it has its own',
  )
}
