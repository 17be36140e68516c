import type { ActionRecord } from './action.ts'
import { ErrTargetTaken } from './errors.ts'
import { ExclusiveTargets } from './exclusive-targets.ts'
import type { TaskExchange, WorkerInfo, WorkerRegistration } from './task-exchange.ts'
import { type ActionStates, TaskQueue } from './task-queue.ts'
import { workerKey } from './worker-key.ts'

/** The workers of one process, with a task queue for each. */
export class MemoryTaskExchange implements TaskExchange {
  readonly #queues = new Map<string, TaskQueue>()
  readonly #states: ActionStates
  readonly #exclusive = new ExclusiveTargets()
  /** Unstarted tasks of an earlier process whose workers aren't registered yet, by operation and target. */
  readonly #left = new Map<string, ActionRecord[]>()
  #queued = 0

  constructor(states: ActionStates) {
    this.#states = states
  }

  register(worker: WorkerInfo): Promise<WorkerRegistration> {
    const key = workerKey(worker)
    const other = this.#queues.get(key)
    if (other !== undefined) return Promise.reject(new ErrTargetTaken(worker.target, other.worker.host))
    const queue = new TaskQueue({
      worker,
      states: this.#states,
      exclusive: this.#exclusive,
      onGone: () => this.#queues.delete(key),
    })
    this.#queues.set(key, queue)
    this.#restore(key)
    return Promise.resolve(queue)
  }

  async find(operation: string, target: string): Promise<WorkerInfo | undefined> {
    const queue = this.#queues.get(workerKey({ operation, target }))
    return queue?.open === true ? queue.worker : undefined
  }

  async present(operation: string): Promise<readonly WorkerInfo[]> {
    return this.#of(operation).map(({ worker }) => worker)
  }

  known(operation: string): readonly WorkerInfo[] {
    return this.#of(operation)
      .filter(({ open }) => open)
      .map(({ worker }) => worker)
  }

  /** Whether the action's worker takes tasks. */
  takes({ operation, target, host }: ActionRecord): boolean {
    const queue = this.#queues.get(workerKey({ operation, target }))
    return queue?.open === true && queue.worker.host === host
  }

  /** Whether the action's worker is idle, and no other task is reserved for it. */
  reserve({ operation, target }: ActionRecord): boolean {
    return this.#queues.get(workerKey({ operation, target }))?.reserve() === true
  }

  /**
   * Queues the task of an action for the worker of its target, which must take tasks.
   *
   * @param waits whether the task may start only after `markBegun` has recorded its start
   */
  push({ id, operation, host, target, input }: ActionRecord, onTaken = () => {}, waits = false): void {
    const task = { action: id, input: structuredClone(input), host, target }
    const queue = this.#queues.get(workerKey({ operation, target }))!
    queue.push({ task, position: ++this.#queued, waits, onTaken })
  }

  /** Takes over tasks that had not started when the last process ended, for workers on the same hosts once they are registered. */
  restore(records: readonly ActionRecord[]): void {
    this.#left.clear()
    for (const record of records) {
      const key = workerKey(record)
      this.#left.set(key, [...(this.#left.get(key) ?? []), record])
    }
    for (const key of this.#queues.keys()) this.#restore(key)
  }

  #restore(key: string): void {
    const left = this.#left.get(key)
    if (left === undefined) return
    const theirs = left.filter((record) => this.takes(record))
    if (theirs.length > 0) this.#left.delete(key)
    for (const record of theirs) this.push(record, undefined, true)
  }

  #of(operation: string): TaskQueue[] {
    return [...this.#queues.values()].filter(({ worker }) => worker.operation === operation)
  }
}
