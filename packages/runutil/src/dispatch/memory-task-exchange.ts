import type { ActionRecord } from './action.ts'
import { ErrTargetTaken } from './errors.ts'
import { ExclusiveTargets } from './exclusive-targets.ts'
import { type ActionsInMemory, WorkerQueue } from './worker-queue.ts'
import type { Announcement, Posted, TaskExchange, WorkerInfo } from './task-exchange.ts'

/** Within one process. */
export class MemoryTaskExchange implements TaskExchange {
  readonly #queues = new Map<string, WorkerQueue>()
  readonly #actions: ActionsInMemory
  readonly #exclusive = new ExclusiveTargets()
  /** What nobody had begun of workers that aren't there, by operation and target. */
  readonly #left = new Map<string, ActionRecord[]>()
  #posted = 0

  constructor(actions: ActionsInMemory) {
    this.#actions = actions
  }

  announce(worker: WorkerInfo): Promise<Announcement> {
    const key = keyOf(worker.operation, worker.target)
    const other = this.#queues.get(key)
    if (other !== undefined) return Promise.reject(new ErrTargetTaken(worker.target, other.worker.host))
    const onGone = (): boolean => this.#queues.delete(key)
    const queue = new WorkerQueue({ worker, actions: this.#actions, exclusive: this.#exclusive, onGone })
    this.#queues.set(key, queue)
    this.#restore(key)
    return Promise.resolve(queue)
  }

  async find(operation: string, target: string): Promise<WorkerInfo | undefined> {
    const queue = this.#queues.get(keyOf(operation, target))
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

  /** Whether the worker that an action names takes tasks. */
  takes({ operation, target, host }: ActionRecord): boolean {
    const queue = this.#queues.get(keyOf(operation, target))
    return queue?.open === true && queue.worker.host === host
  }

  /** Whether the worker that an action names has nothing else to do, and nothing else was promised to it. */
  reserve({ operation, target }: ActionRecord): boolean {
    return this.#queues.get(keyOf(operation, target))?.reserve() === true
  }

  /**
   * To the worker of its target, which must take tasks.
   *
   * @param waits it isn't begun before `begin` has said so
   */
  post({ id, operation, host, target, input }: ActionRecord, waits = false): Posted {
    const task = { action: id, input: structuredClone(input), host, target }
    const place = ++this.#posted
    return { taken: this.#queues.get(keyOf(operation, target))!.push({ task, place, waits }) }
  }

  /** The tasks that nobody had begun when the last process ended: of workers that are there, or come, on their hosts. */
  restore(records: readonly ActionRecord[]): void {
    this.#left.clear()
    for (const record of records) {
      const key = keyOf(record.operation, record.target)
      this.#left.set(key, [...(this.#left.get(key) ?? []), record])
    }
    for (const key of this.#queues.keys()) this.#restore(key)
  }

  #restore(key: string): void {
    const left = this.#left.get(key)
    if (left === undefined) return
    const theirs = left.filter((record) => this.takes(record))
    if (theirs.length > 0) this.#left.delete(key)
    for (const record of theirs) this.post(record, true)
  }

  #of(operation: string): WorkerQueue[] {
    return [...this.#queues.values()].filter(({ worker }) => worker.operation === operation)
  }
}

function keyOf(operation: string, target: string): string {
  return JSON.stringify([operation, target])
}
