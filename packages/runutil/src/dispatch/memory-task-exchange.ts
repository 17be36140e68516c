import type { ActionRecord, Task } from './action.ts'
import { ErrTargetTaken } from './errors.ts'
import type { Announcement, Posted, TaskExchange, WorkerInfo } from './task-exchange.ts'

/** Within one process. */
export class MemoryTaskExchange implements TaskExchange {
  readonly #live = new Map<string, LiveQueue>()
  readonly #isRunning: (action: string) => boolean

  /** @param isRunning whether an action hasn't ended: the task of one that has is not given to anyone */
  constructor(isRunning: (action: string) => boolean) {
    this.#isRunning = isRunning
  }

  announce(worker: WorkerInfo): Promise<Announcement> {
    const key = keyOf(worker.operation, worker.target)
    const other = this.#live.get(key)
    if (other !== undefined) return Promise.reject(new ErrTargetTaken(worker.target, other.worker.host))
    const queue = new LiveQueue(worker, this.#isRunning, () => this.#live.delete(key))
    this.#live.set(key, queue)
    return Promise.resolve(queue)
  }

  async find(operation: string, target: string): Promise<WorkerInfo | undefined> {
    return this.#live.get(keyOf(operation, target))?.worker
  }

  async live(operation: string): Promise<readonly WorkerInfo[]> {
    return this.known(operation)
  }

  known(operation: string): readonly WorkerInfo[] {
    return [...this.#live.values()]
      .map(({ worker }) => worker)
      .filter((worker) => worker.operation === operation)
  }

  /** Undefined when the worker that a running action names isn't live. */
  post({ id, operation, host, target, input, status }: ActionRecord): Posted | undefined {
    const queue = this.#live.get(keyOf(operation, target))
    if (status !== 'running' || queue?.worker.host !== host) return undefined
    return { taken: queue.push({ action: id, input, host, target }) }
  }
}

class LiveQueue implements Announcement {
  readonly worker: WorkerInfo
  readonly lost = new AbortController().signal
  readonly #isRunning: (action: string) => boolean
  readonly #onWithdrawn: () => void
  #tasks: { task: Task; take: () => void }[] = []
  #live = true
  #wake: () => void = () => {}

  constructor(worker: WorkerInfo, isRunning: (action: string) => boolean, onWithdrawn: () => void) {
    this.worker = worker
    this.#isRunning = isRunning
    this.#onWithdrawn = onWithdrawn
  }

  push(task: Task): Promise<void> {
    return new Promise((take) => {
      this.#tasks.push({ task, take })
      this.#wake()
    })
  }

  async next(): Promise<Task | undefined> {
    for (;;) {
      if (this.#live && this.#tasks.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
      const first = this.#tasks.shift()
      if (first !== undefined && !this.#isRunning(first.task.action)) continue
      first?.take()
      return first?.task
    }
  }

  async withdraw(): Promise<string[]> {
    if (this.#live) this.#onWithdrawn()
    this.#live = false
    const left = this.#tasks.map(({ task }) => task.action)
    this.#tasks = []
    this.#wake()
    return left
  }
}

function keyOf(operation: string, target: string): string {
  return JSON.stringify([operation, target])
}
