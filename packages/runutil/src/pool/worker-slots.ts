import type { Events } from '../core/events.ts'
import { log } from '../core/log.ts'
import type { WorkerError } from './errors.ts'
import { TrackedWorkers } from './tracked-workers.ts'
import type { PoolSettings } from './options.ts'
import type { PoolContext } from './pool-context.ts'
import type { PoolEvents } from './pool-events.ts'
import { Replacements, type ReplacementsListener, type StartHistory, attemptAfter } from './replacements.ts'
import type { StartGate } from './start-gate.ts'
import { PendingSuccessors } from './pending-successors.ts'
import type { TaskSource } from './task-source.ts'
import type { WorkerFactory } from './worker-factory.ts'
import type { SupervisedWorker } from './worker/supervised-worker.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

interface WorkerSlotsProps {
  readonly settings: PoolSettings
  readonly context: PoolContext
  readonly events: Events<PoolEvents>
  readonly gate: StartGate
  readonly factory: WorkerFactory
  readonly tasks: TaskSource
}

/** One slot per wanted worker; when a worker leaves its slot, its successor or another worker takes it. */
export class WorkerSlots implements ReplacementsListener {
  readonly tracked: TrackedWorkers
  readonly #props: WorkerSlotsProps
  readonly #replacements: Replacements
  readonly #successors = new PendingSuccessors()
  #wanted = 0
  #open = false
  #closed = false
  /** Why the last replacement failed to start; undefined once one has started. */
  lastFailure: Error | undefined

  constructor(props: WorkerSlotsProps) {
    this.#props = props
    this.tracked = new TrackedWorkers(props.events)
    this.#replacements = new Replacements({ ...props, listener: this })
  }

  /** The workers that take tasks, without those that are starting or draining. */
  get active(): readonly SupervisedWorker[] {
    return this.tracked.active
  }

  /** How many workers are starting. */
  get starting(): number {
    return this.#replacements.count
  }

  /** How many workers there should be. */
  get wanted(): number {
    return this.#wanted
  }

  /** Whether a slot is empty and no worker is starting for it. */
  get hasEmptySlot(): boolean {
    return this.active.length + this.starting < this.#wanted
  }

  /** Opens one slot for each of these workers. */
  open(workers: readonly SupervisedWorker[]): void {
    this.#wanted = workers.length
    this.#open = true
    this.join(workers)
  }

  /** Drains all workers; no more are started. */
  close(reason: string): void {
    this.#closed = true
    this.#wanted = 0
    this.#replacements.cancelAll()
    this.#successors.clear()
    this.#drainAll([...this.active, ...this.tracked.reserve], reason)
  }

  /** Replaces all current and starting workers by these. @returns the replaced workers */
  replaceAll(workers: readonly SupervisedWorker[], reason: string): readonly WorkerProcess[] {
    const old = [...this.active, ...this.tracked.reserve]
    this.#replacements.cancelAll()
    this.#successors.clear()
    this.join(workers)
    this.#drainAll(old, reason)
    // The number wanted may have changed since the new workers began to start.
    this.#wanted = Math.max(this.#wanted, this.active.length)
    this.fill()
    return old
  }

  join(workers: readonly SupervisedWorker[], history = this.#firstStart()): void {
    this.lastFailure = undefined
    this.tracked.add(workers, history)
    for (const worker of workers) this.#offer(worker)
  }

  /** Adds a slot, up to numWorkers. */
  grow(): void {
    if (!this.#open || this.#closed || this.#wanted >= this.#props.settings.numWorkers) return
    this.#wanted++
    this.fill()
  }

  /** Starts a worker's successor while the worker goes on. @param reason if given, why the worker leaves once the successor is up */
  startSuccessor(worker: SupervisedWorker, reason?: string): void {
    if (this.active.includes(worker) && this.#successors.add(worker, reason)) this.fill()
  }

  /** Drains a worker and replaces it. False if it is already draining, or isn't in this set. */
  replace(worker: WorkerProcess, reason: string): boolean {
    if (!this.tracked.drain(worker, reason)) return false
    this.#left(worker)
    return true
  }

  /** Drains a worker and leaves its slot empty. Returns false as `replace` does. */
  vacate(worker: WorkerProcess, reason: string): boolean {
    const left = this.tracked.drain(worker, reason)
    if (left) this.#successors.delete(worker)
    return left
  }

  /** Drains an idle worker and removes its slot, if more than `minWorkers` are wanted. */
  removeIdle(worker: SupervisedWorker, reason: string): boolean {
    if (this.#wanted <= this.#props.settings.minWorkers) return false
    this.#wanted--
    const left = this.tracked.drain(worker, reason)
    if (!left) this.#wanted++
    else this.#left(worker)
    return left
  }

  /** Called when a worker's process has ended, whether or not it was stopped by the pool. */
  ended(worker: SupervisedWorker, error: WorkerError | undefined): void {
    const tracked = this.tracked.ended(worker, error?.message ?? 'it was stopped')
    if (tracked === undefined) return
    if (error !== undefined) this.report(error, worker)
    if (tracked.expected) return
    const attempt = attemptAfter(tracked.history, worker, this.#props.context.clock.elapsed())
    this.#left(worker, error === undefined ? 0 : attempt)
  }

  /** Kills a worker at once, even during a task, and replaces it. */
  abandon(worker: WorkerProcess, reason: string): void {
    this.tracked.drain(worker, reason)
    this.tracked.stopDrained(worker)
    void worker.kill()
    this.#left(worker)
  }

  /** A new worker takes a free slot, or becomes a reserve. */
  started(worker: SupervisedWorker, history: StartHistory): void {
    if (this.active.length < this.#wanted) return this.join([worker], history)
    this.lastFailure = undefined
    this.tracked.addReserve(worker, history)
    const due = this.#successors.due()
    if (due !== undefined) this.replace(due.worker, due.reason)
    this.#trim()
  }

  failed(worker: WorkerProcess | undefined, error: Error): void {
    this.lastFailure = error
    this.report(error, worker)
  }

  /** Starts the missing workers. @param attempt the attempt number of the first of them */
  fill(attempt = 0): void {
    const { reserve } = this.tracked
    for (let next = attempt; !this.#closed; next = 0) {
      const count = this.active.length + reserve.length + this.starting
      if (count >= this.#wanted + this.#successors.count) break
      this.#props.context.scope.run(() => this.#replacements.add(next))
    }
  }

  report(error: Error, worker: WorkerProcess | undefined): void {
    log(this.#props.context.logger, 'warn', { err: error, workerPid: worker?.pid }, 'a worker process failed')
    this.#props.events.emit('error', error, worker)
  }

  #firstStart(): StartHistory {
    return { attempt: 0, startedMs: this.#props.context.clock.elapsed() }
  }

  #drainAll(workers: readonly WorkerProcess[], reason: string): void {
    for (const worker of workers) this.tracked.drain(worker, reason)
  }

  /** The worker takes no more tasks: a reserve takes its slot, or a replacement is started. */
  #left(worker: WorkerProcess, attempt = 0): void {
    this.#successors.delete(worker)
    while (this.active.length < this.#wanted) {
      const next = this.tracked.promote()
      if (next === undefined) break
      this.#offer(next)
    }
    this.#trim()
    this.fill(attempt)
  }

  /** Makes a worker available, unless a `created` listener has already removed it. */
  #offer(worker: SupervisedWorker): void {
    if (worker.state === 'ready' && !this.tracked.isDraining(worker)) this.#props.tasks.free(worker)
  }

  #trim(): void {
    const { reserve } = this.tracked
    for (const worker of reserve.slice(this.#successors.count)) {
      this.tracked.drain(worker, 'it was not needed')
    }
  }
}
