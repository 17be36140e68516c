import type { Clock } from '../core/clock.ts'
import type { Crew } from './crew.ts'
import { AllocateTimeoutError, PoolDestroyedError, QueueFullError, WorkerError } from './errors.ts'
import type { PoolSettings } from './options.ts'
import type { Recycling } from './recycling.ts'
import { type Message, isStopRequest } from './relay/message-reader.ts'
import type { Task, TaskOwner } from './task.ts'
import { WaitingTasks } from './waiting-tasks.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

export interface AllocationProps {
  readonly settings: PoolSettings
  readonly clock: () => Clock
  readonly crew: () => Crew
  readonly recycling: () => Recycling
}

/** Brings tasks and workers together. Either some have room for a task or tasks wait, never both. */
export class Allocation implements TaskOwner {
  readonly maxFrame: number
  readonly execMs: number | undefined
  readonly #props: AllocationProps
  readonly #waiting: WaitingTasks
  /** The last that came is the first that goes: what it needs is still in the caches, and the rest may idle. */
  #free: WorkerProcess[] = []

  constructor(props: AllocationProps) {
    const { clock, settings, crew } = props
    const { allocateMs } = settings
    const late = (task: Task): void => {
      const { workers, lastFailure } = crew()
      task.reject(new AllocateTimeoutError(allocateMs, workers.length, lastFailure))
    }
    this.maxFrame = settings.maxFrame
    this.execMs = settings.execMs
    this.#props = props
    this.#waiting = new WaitingTasks({ clock, allocateMs, late })
  }

  get waiting(): number {
    return this.#waiting.length
  }

  submit(task: Task): void {
    if (task.settled) return
    const worker = this.#workerFor(task)
    if (worker !== undefined) return task.run(worker)
    const { maxQueue } = this.#props.settings
    if (this.#waiting.length < maxQueue + this.#spare) this.#waiting.push(task)
    else return task.reject(new QueueFullError(maxQueue))
    this.#wantWorker()
  }

  /** How many tasks need not wait for another's end: there are workers for them, or there will be. */
  get #spare(): number {
    const { crew, settings } = this.#props
    const { workers } = crew()
    const suspects = workers.reduce((sum, { suspect }) => sum + (suspect ? 1 : 0), 0)
    return Math.max(0, settings.numWorkers - workers.length) + suspects
  }

  /** A worker is ready for a task. */
  offer(worker: WorkerProcess): void {
    const { crew, recycling } = this.#props
    if (!crew().mayGoOn(worker)) return
    const reason = worker.numExecs === 0 ? undefined : recycling().due(worker)
    if (reason !== undefined) {
      crew().replace(worker, reason)
      return
    }
    for (let task = this.#waiting.first; task !== undefined; task = this.#waiting.first) {
      if (!this.#hasRoom(worker, task)) break
      this.#waiting.remove(task)
      task.run(worker)
    }
    if (worker.state === 'ready') this.#keep(worker)
  }

  rejectWaiting(error: Error): void {
    this.#waiting.rejectAll(error)
  }

  answered(task: Task, worker: WorkerProcess, message: Message): void {
    if (isStopRequest(message)) return this.#again(task, worker)
    // First, so that the worker has its next task while the caller looks at this one's answer.
    this.offer(worker)
    task.settle(message)
  }

  givenUp(task: Task, worker: WorkerProcess | undefined, why: string): void {
    if (worker === undefined) this.#waiting.giveUp(task)
    else this.#props.crew().kill(worker, why)
  }

  handedBack(task: Task): void {
    this.#resubmit(task)
  }

  /** The worker wants to be replaced instead of doing it. */
  #again(task: Task, worker: WorkerProcess): void {
    const { crew, settings } = this.#props
    const reason = 'it asked to be replaced'
    if (!crew().replace(worker, reason)) crew().mayGoOn(worker)
    task.stops++
    if (task.hasParts) {
      const message = `worker ${worker.pid} asked to be replaced in the middle of its answer`
      return task.reject(new WorkerError(message, { pid: worker.pid }))
    }
    if (task.stops > settings.numWorkers) {
      const message = `${task.stops} workers in a row asked to be replaced instead of doing the task`
      return task.reject(new WorkerError(message, { pid: worker.pid }))
    }
    this.#resubmit(task)
  }

  /** It has had its turn, and needs another worker. */
  #resubmit(task: Task): void {
    if (task.settled) return
    if (this.#props.crew().closed) return task.reject(new PoolDestroyedError())
    const worker = this.#workerFor(task)
    if (worker !== undefined) return task.run(worker)
    this.#waiting.unshift(task)
    this.#wantWorker()
  }

  /** One more, where more tasks wait than workers are on their way. */
  #wantWorker(): void {
    const crew = this.#props.crew()
    if (this.#waiting.length > crew.coming || crew.coming === 0) crew.grow()
  }

  #workerFor(task: Task): WorkerProcess | undefined {
    return this.#takeFree() ?? this.#withRoom(task)
  }

  #takeFree(): WorkerProcess | undefined {
    for (let worker = this.#free.pop(); worker !== undefined; worker = this.#free.pop()) {
      if (worker.available) return worker
    }
    return undefined
  }

  /** Where all are at work and as many as may be, the one with the least before it. */
  #withRoom(task: Task): WorkerProcess | undefined {
    const { crew, settings } = this.#props
    if (settings.pipelining === 1 || this.#waiting.length > 0) return undefined
    const { workers, coming } = crew()
    if (workers.length + coming < settings.numWorkers) return undefined
    return workers
      .filter((worker) => worker.state === 'working' && this.#hasRoom(worker, task))
      .sort((a, b) => a.inFlight - b.inFlight)[0]
  }

  #hasRoom(worker: WorkerProcess, task: Task): boolean {
    const { inFlight, numExecs, allotment, suspect } = worker
    if (inFlight > 0 && (task.exclusive || worker.engaged)) return false
    return inFlight < this.#props.settings.pipelining && numExecs + inFlight < allotment.execs && !suspect
  }

  #keep(worker: WorkerProcess): void {
    // Some of them may have gone since, or been used directly and come back.
    if (this.#free.length >= this.#props.settings.numWorkers) {
      this.#free = [...new Set(this.#free)].filter((other) => other !== worker && other.state === 'ready')
    }
    this.#free.push(worker)
  }
}
