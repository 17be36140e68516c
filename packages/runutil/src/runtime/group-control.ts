import { brand } from '../core/brand.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import type { RecordHost, WorkerRecord } from '../core/worker-record.ts'
import { type RunControl, runControls } from '../core/worker-kind.ts'
import type { Runnable } from '../core/worker.ts'
import type { Census } from './census.ts'
import { type Child, entryOf } from './child.ts'
import type { GroupStarts } from './group-starts.ts'
import { markOf } from './named.ts'
import { WorkerStoppedError } from './restart-errors.ts'
import type { Restarts } from './restarts.ts'
import type { StartOrder } from './start-order.ts'
import type { StopReason } from './stop-reason.ts'
import { removeRecord } from './tree-records.ts'

/** What an operator controls of one run of a supervisor. */
export interface ControlledGroup {
  readonly children: Child[]
  readonly order: StartOrder<Child>
  readonly census: Census
  readonly restarts: Restarts
  readonly starts: GroupStarts
  readonly reason: StopReason
  readonly create: (parent: WorkerRecord, worker: Runnable) => Child
  /** Starts it when those before it are up, unless the group is stopping. */
  readonly start: (child: Child) => void
  readonly hurry: (stopBy: number) => void
}

/** An operator's control of the workers in one run of a supervisor. */
export class GroupControl implements RecordHost {
  readonly #group: ControlledGroup
  static {
    brand(this, 'GroupControl')
  }

  constructor(group: ControlledGroup) {
    this.#group = group
  }

  /** Stops a worker until `start`, also across restarts of the others. */
  async stop(record: WorkerRecord): Promise<void> {
    const child = this.#childOf(record)
    const { starts, census, reason } = this.#group
    if (starts.isShared(child)) throw sharesSignal(child.path)
    census.setStopped(child, true)
    child.cancel()
    if (child.body !== undefined) {
      await reason.orFirst(child.stop(new WorkerStoppedError(child.path), child.stopLimitMs))
    } else if (!isOver(record)) record.moveTo('stopped')
    starts.tried(child)
  }

  async start(record: WorkerRecord): Promise<void> {
    const child = this.#childOf(record)
    const { census, restarts, start } = this.#group
    census.setStopped(child, false)
    child.cancel()
    if (child.body === undefined) {
      restarts.leave(child)
      start(child)
    }
    await Promise.resolve()
  }

  async restart(record: WorkerRecord): Promise<void> {
    await this.stop(record)
    await this.start(record)
  }

  async remove(record: WorkerRecord): Promise<void> {
    const child = this.#childOf(record)
    await this.stop(record)
    this.#remove(child)
  }

  #remove(child: Child): void {
    const { children, order, census, starts } = this.#group
    const at = children.indexOf(child)
    if (at < 0) return
    children.splice(at, 1)
    order.remove(child, child.isUp)
    child.release()
    removeRecord(child.record)
    census.remove(child)
    starts.startDue(children)
  }

  hurry(stopBy: number): void {
    this.#group.hurry(stopBy)
  }

  add(parent: WorkerRecord, worker: Runnable): string {
    const { children, census, reason, create, start } = this.#group
    reason.throwIfGiven()
    const child = create(parent, worker)
    children.push(child)
    census.add(child)
    child.record.emit({ type: 'added' })
    start(child)
    return child.path
  }

  /** Whether the worker supports the control, also between two runs. */
  takes(record: WorkerRecord, control: RunControl): boolean {
    const marked = markOf(this.#childOf(record).spec.worker, runControls)
    return marked === 'trigger' || marked === control
  }

  /** @throws the reason to stop */
  throwIfStopping(): void {
    this.#group.reason.throwIfGiven()
  }

  #childOf(record: WorkerRecord): Child {
    this.#group.reason.throwIfGiven()
    return entryOf(record)!
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
