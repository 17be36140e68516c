import type { Events } from '../core/events.ts'
import { log } from '../core/log.ts'
import type { WorkerError } from './errors.ts'
import { Members } from './members.ts'
import type { PoolSettings } from './options.ts'
import type { PoolContext } from './pool-context.ts'
import type { PoolEvents } from './pool-events.ts'
import { Replacements, type ReplacementsListener, type StartHistory, attemptAfter } from './replacements.ts'
import type { StartGate } from './start-gate.ts'
import { Successions } from './successions.ts'
import type { TaskSource } from './task-source.ts'
import type { WorkerFactory } from './worker-factory.ts'
import type { SupervisedWorker } from './worker/supervised-worker.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

interface WorkerPlacesProps {
  readonly settings: PoolSettings
  readonly context: PoolContext
  readonly events: Events<PoolEvents>
  readonly gate: StartGate
  readonly factory: WorkerFactory
  readonly tasks: TaskSource
}

/** As many places as workers are wanted; when a worker leaves its place, its successor or another takes it. */
export class WorkerPlaces implements ReplacementsListener {
  readonly members: Members
  readonly #props: WorkerPlacesProps
  readonly #replacements: Replacements
  readonly #successions = new Successions()
  #wanted = 0
  #open = false
  #closed = false
  /** Why the last replacement didn't come up; undefined once one has. */
  lastFailure: Error | undefined

  constructor(props: WorkerPlacesProps) {
    this.#props = props
    this.members = new Members(props.events)
    this.#replacements = new Replacements({ ...props, listener: this })
  }

  /** The workers that take tasks: neither those that are coming up nor those that are leaving. */
  get active(): readonly SupervisedWorker[] {
    return this.members.active
  }

  /** How many workers are coming up. */
  get coming(): number {
    return this.#replacements.count
  }

  /** How many workers there should be. */
  get wanted(): number {
    return this.#wanted
  }

  /** Whether a worker has left its place, and none is coming up for it. */
  get hasVacancy(): boolean {
    return this.active.length + this.coming < this.#wanted
  }

  /** From now on there are as many as these. */
  open(workers: readonly SupervisedWorker[]): void {
    this.#wanted = workers.length
    this.#open = true
    this.join(workers)
  }

  /** All leave, and none comes any more. */
  close(reason: string): void {
    this.#closed = true
    this.#wanted = 0
    this.#replacements.cancelAll()
    this.#successions.clear()
    this.#drainAll([...this.active, ...this.members.reserve], reason)
  }

  /** These take the places of all that are there or coming up. @returns those that leave */
  exchange(workers: readonly SupervisedWorker[], reason: string): readonly WorkerProcess[] {
    const old = [...this.active, ...this.members.reserve]
    this.#replacements.cancelAll()
    this.#successions.clear()
    this.join(workers)
    this.#drainAll(old, reason)
    // Fewer or more may be wanted than when this began.
    this.#wanted = Math.max(this.#wanted, this.active.length)
    this.fill()
    return old
  }

  join(workers: readonly SupervisedWorker[], history = this.#firstStart()): void {
    this.lastFailure = undefined
    this.members.join(workers, history)
    for (const worker of workers) this.#offer(worker)
  }

  /** One more than there are, up to numWorkers. */
  grow(): void {
    if (!this.#open || this.#closed || this.#wanted >= this.#props.settings.numWorkers) return
    this.#wanted++
    this.fill()
  }

  /** Has a worker's successor come up while it goes on. @param reason it leaves for this as soon as that is up */
  succeed(worker: SupervisedWorker, reason?: string): void {
    if (this.active.includes(worker) && this.#successions.add(worker, reason)) this.fill()
  }

  /** Lets a worker go after its task, and replaces it. False if it goes already, or isn't one of these. */
  replace(worker: WorkerProcess, reason: string): boolean {
    if (!this.members.drain(worker, reason)) return false
    this.#left(worker)
    return true
  }

  /** Lets a worker go after its task, and leaves its place empty. False as `replace`. */
  vacate(worker: WorkerProcess, reason: string): boolean {
    const left = this.members.drain(worker, reason)
    if (left) this.#successions.delete(worker)
    return left
  }

  /** Lets an idle worker go for good, if more than `minWorkers` are wanted. */
  dismiss(worker: SupervisedWorker, reason: string): boolean {
    if (this.#wanted <= this.#props.settings.minWorkers) return false
    this.#wanted--
    const left = this.members.drain(worker, reason)
    if (!left) this.#wanted++
    else this.#left(worker)
    return left
  }

  /** Its process has ended, whether or not it had been told to. */
  ended(worker: SupervisedWorker, error: WorkerError | undefined): void {
    const member = this.members.ended(worker, error?.message ?? 'it was stopped')
    if (member === undefined) return
    if (error !== undefined) this.report(error, worker)
    if (member.expected) return
    const attempt = attemptAfter(member.history, worker, this.#props.context.clock.elapsed())
    this.#left(worker, error === undefined ? 0 : attempt)
  }

  /** It leaves at once, whatever it does. */
  abandon(worker: WorkerProcess, reason: string): void {
    this.members.drain(worker, reason)
    this.members.stopDrained(worker)
    void worker.kill()
    this.#left(worker)
  }

  /** To take a place that is free, or to wait for that of another. */
  arrived(worker: SupervisedWorker, history: StartHistory): void {
    if (this.active.length < this.#wanted) return this.join([worker], history)
    this.lastFailure = undefined
    this.members.joinReserve(worker, history)
    const due = this.#successions.due()
    if (due !== undefined) this.replace(due.worker, due.reason)
    this.#trim()
  }

  failed(worker: WorkerProcess | undefined, error: Error): void {
    this.lastFailure = error
    this.report(error, worker)
  }

  /** @param attempt of the first that is missing */
  fill(attempt = 0): void {
    const { reserve } = this.members
    for (let next = attempt; !this.#closed; next = 0) {
      const there = this.active.length + reserve.length + this.coming
      if (there >= this.#wanted + this.#successions.count) break
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
    for (const worker of workers) this.members.drain(worker, reason)
  }

  /** It takes no more tasks: its successor has its place, or another comes. */
  #left(worker: WorkerProcess, attempt = 0): void {
    this.#successions.delete(worker)
    while (this.active.length < this.#wanted) {
      const next = this.members.promote()
      if (next === undefined) break
      this.#offer(next)
    }
    this.#trim()
    this.fill(attempt)
  }

  /** A new one, which may have left already: who heard of it may have removed it. */
  #offer(worker: SupervisedWorker): void {
    if (worker.state === 'ready' && !this.members.isDraining(worker)) this.#props.tasks.free(worker)
  }

  #trim(): void {
    const { reserve } = this.members
    for (const worker of reserve.slice(this.#successions.count)) {
      this.members.drain(worker, 'it was not needed')
    }
  }
}
