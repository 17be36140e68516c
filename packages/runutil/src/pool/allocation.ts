import { AllocateTimeoutError, type PoolDestroyedError, QueueFullError, WorkerError } from './errors.ts'
import type { PoolSettings } from './options.ts'
import type { TaskSource } from './task-source.ts'
import { WaitingTasks } from './waiting-tasks.ts'
import type { WorkerSet } from './worker-set.ts'
import type { SupervisedWorker } from './worker/supervised-worker.ts'
import type { Task } from './worker/task.ts'
import type { PoolContext } from './pool-context.ts'

/** Assigns tasks to workers. Either workers have room for a task or tasks wait, never both. */
export class Allocation implements TaskSource {
  readonly #settings: PoolSettings
  readonly #waiting: WaitingTasks
  /** Undefined until the pool starts. */
  #workers: WorkerSet | undefined
  /** Why no task is taken any more. */
  #closed: PoolDestroyedError | undefined
  /** Last in, first out: the latest worker has warm caches, and the others may reach their idle timeout. */
  #free: SupervisedWorker[] = []

  constructor(settings: PoolSettings, { clock }: PoolContext) {
    const { allocateMs } = settings
    this.#settings = settings
    this.#waiting = new WaitingTasks(clock, allocateMs, (task) => {
      const { active = [], lastFailure } = this.#workers ?? {}
      task.reject(new AllocateTimeoutError(allocateMs, active.length, lastFailure))
    })
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Tasks that are already waiting continue to wait, on the clock of the caller of `start`. */
  start(workers: WorkerSet, { clock }: PoolContext): void {
    this.#workers = workers
    this.#free = []
    this.#waiting.useClock(clock)
  }

  submit(task: Task): void {
    if (task.settled) return
    const worker = this.#workerFor(task)
    if (worker !== undefined) return worker.perform(task)
    const { maxQueue } = this.#settings
    if (this.#waiting.length < maxQueue + this.#spare) this.#waiting.push(task)
    else return task.reject(new QueueFullError(maxQueue))
    this.#wantWorker()
  }

  /** How many tasks need not wait for another to end, since workers for them are up or starting. */
  get #spare(): number {
    const active = this.#workers?.active ?? []
    const suspects = active.reduce((sum, { suspect }) => sum + (suspect ? 1 : 0), 0)
    return Math.max(0, this.#settings.numWorkers - active.length) + suspects
  }

  free(worker: SupervisedWorker): void {
    for (let task = this.#waiting.first; task !== undefined; task = this.#waiting.first) {
      if (!worker.hasRoomFor(task)) break
      this.#waiting.remove(task)
      worker.perform(task)
    }
    if (worker.state === 'ready') this.#keep(worker)
  }

  returned(task: Task): void {
    this.#resubmit(task)
  }

  refused(task: Task, { pid }: SupervisedWorker): void {
    task.stops++
    const reject = (message: string): void => task.reject(new WorkerError(message, { pid }))
    if (task.hasParts) return reject(`worker ${pid} asked to be replaced in the middle of its answer`)
    if (task.bound) return reject(`worker ${pid} asked to be replaced instead of doing the task`)
    if (task.stops > this.#settings.numWorkers) {
      return reject(`${task.stops} workers in a row asked to be replaced instead of doing the task`)
    }
    this.#resubmit(task)
  }

  /** Rejects the waiting tasks. */
  rejectWaiting(error: Error): void {
    this.#waiting.rejectAll(error)
  }

  /** Rejects the waiting tasks, and any that workers hand back later. */
  close(error: PoolDestroyedError): void {
    this.#closed = error
    this.rejectWaiting(error)
  }

  reopen(): void {
    this.#closed = undefined
  }

  /** Puts a task that needs another worker at the front of the queue. */
  #resubmit(task: Task): void {
    if (task.settled) return
    if (this.#closed !== undefined) return task.reject(this.#closed)
    const worker = this.#workerFor(task)
    if (worker !== undefined) return worker.perform(task)
    this.#waiting.unshift(task)
    this.#wantWorker()
  }

  /** Adds a worker when more tasks are waiting than workers are starting. */
  #wantWorker(): void {
    const starting = this.#workers?.starting ?? 0
    if (this.#waiting.length > starting || starting === 0) this.#workers?.grow()
  }

  #workerFor(task: Task): SupervisedWorker | undefined {
    return this.#takeFree() ?? this.#withRoom(task)
  }

  #takeFree(): SupervisedWorker | undefined {
    for (let worker = this.#free.pop(); worker !== undefined; worker = this.#free.pop()) {
      if (worker.available) return worker
    }
    return undefined
  }

  /** When all workers are busy and none can be added: the worker with the fewest tasks. */
  #withRoom(task: Task): SupervisedWorker | undefined {
    const { numWorkers, pipelining } = this.#settings
    if (pipelining === 1 || this.#waiting.length > 0 || this.#workers === undefined) return undefined
    const { active, starting } = this.#workers
    if (active.length + starting < numWorkers) return undefined
    return active
      .filter((worker) => worker.state === 'working' && worker.hasRoomFor(task))
      .sort((a, b) => a.inFlight - b.inFlight)[0]
  }

  #keep(worker: SupervisedWorker): void {
    // Some of them may have left since, or have been used directly and returned.
    if (this.#free.length >= this.#settings.numWorkers) {
      this.#free = [...new Set(this.#free)].filter((other) => other !== worker && other.state === 'ready')
    }
    this.#free.push(worker)
  }
}
