import type { ActionRecord, Task } from './action.ts'
import { ErrTargetTaken } from './errors.ts'
import type { Announcement, Posted, TaskExchange, WorkerInfo } from './task-exchange.ts'

/** What an exchange needs of the actions. */
export interface ActionsInMemory {
  /** Whether it hasn't ended: the task of one that has is not given to anyone. */
  isRunning(action: string): boolean
  /** Fails one that nobody will begin, with 'worker lost'. */
  lose(action: string, now: number): Promise<unknown>
}

/** Within one process. */
export class MemoryTaskExchange implements TaskExchange {
  readonly #queues = new Map<string, WorkerQueue>()
  readonly #actions: ActionsInMemory

  constructor(actions: ActionsInMemory) {
    this.#actions = actions
  }

  announce(worker: WorkerInfo): Promise<Announcement> {
    const key = keyOf(worker.operation, worker.target)
    const other = this.#queues.get(key)
    if (other !== undefined) return Promise.reject(new ErrTargetTaken(worker.target, other.worker.host))
    const queue = new WorkerQueue(worker, this.#actions, () => this.#queues.delete(key))
    this.#queues.set(key, queue)
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

  /** To the worker of its target, which must take tasks. */
  post({ id, operation, host, target, input }: ActionRecord): Posted {
    const task = { action: id, input: structuredClone(input), host, target }
    return { taken: this.#queues.get(keyOf(operation, target))!.push(task) }
  }

  #of(operation: string): WorkerQueue[] {
    return [...this.#queues.values()].filter(({ worker }) => worker.operation === operation)
  }
}

class WorkerQueue implements Announcement {
  readonly worker: WorkerInfo
  readonly lost = new AbortController().signal
  readonly #actions: ActionsInMemory
  readonly #onGone: () => void
  #tasks: { task: Task; take: () => void }[] = []
  #wake: () => void = () => {}
  #gone = false
  open = true

  constructor(worker: WorkerInfo, actions: ActionsInMemory, onGone: () => void) {
    this.worker = worker
    this.#actions = actions
    this.#onGone = onGone
  }

  push(task: Task): Promise<void> {
    return new Promise((take) => {
      this.#tasks.push({ task, take })
      this.#wake()
    })
  }

  async next(): Promise<Task | undefined> {
    for (;;) {
      if (this.open && this.#tasks.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
      const first = this.#tasks.shift()
      if (first !== undefined && !this.#actions.isRunning(first.task.action)) continue
      first?.take()
      return first?.task
    }
  }

  async close(now: number): Promise<void> {
    this.open = false
    const left = this.#tasks
    this.#tasks = []
    this.#wake()
    await Promise.all(left.map(({ task }) => this.#actions.lose(task.action, now)))
  }

  async withdraw(now: number): Promise<void> {
    if (!this.#gone) this.#onGone()
    this.#gone = true
    await this.close(now)
  }
}

function keyOf(operation: string, target: string): string {
  return JSON.stringify([operation, target])
}
