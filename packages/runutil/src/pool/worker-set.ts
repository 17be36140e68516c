import type { Events } from '../core/events.ts'
import { log } from '../core/log.ts'
import { PoolDestroyedError, type WorkerError } from './errors.ts'
import { launchAll } from './launch.ts'
import type { PoolSettings } from './options.ts'
import { Pings } from './pings.ts'
import type { PoolContext } from './pool-context.ts'
import type { PoolEvents } from './pool-events.ts'
import { Recycling } from './recycling.ts'
import { type Message, isStopRequest } from './relay/message-reader.ts'
import type { Relay } from './relay/relay.ts'
import { StartGate } from './start-gate.ts'
import type { TaskSource } from './task-source.ts'
import { WorkerFactory } from './worker-factory.ts'
import { WorkerPlaces } from './worker-places.ts'
import type { SupervisedWorker } from './worker/supervised-worker.ts'
import type { Task } from './worker/task.ts'
import type { WorkerProcess } from './worker/worker-process.ts'
import type { WorkerListener } from './worker/worker-props.ts'

interface WorkerSetProps {
  readonly settings: PoolSettings
  readonly context: PoolContext
  readonly relay: Relay
  readonly events: Events<PoolEvents>
  /** Notified of workers that are free. */
  readonly tasks: TaskSource
}

/** The workers of a pool: replaces and recycles them, and reports as `free` only workers that may take another task. */
export class WorkerSet implements WorkerListener<SupervisedWorker> {
  readonly #props: WorkerSetProps
  readonly #gate: StartGate
  readonly #factory: WorkerFactory
  readonly #places: WorkerPlaces
  readonly #recycling: Recycling
  readonly #pings: Pings
  #closed = false

  constructor(props: WorkerSetProps) {
    const { settings, context } = props
    this.#props = props
    this.#gate = new StartGate(settings.startConcurrency)
    this.#factory = new WorkerFactory({ ...props, listener: this })
    this.#places = new WorkerPlaces({ ...props, gate: this.#gate, factory: this.#factory })
    this.#recycling = new Recycling(settings, context.clock)
    this.#pings = new Pings(settings.pingMs, context.clock)
  }

  /** The workers that take tasks, without those that are starting or draining. */
  get active(): readonly SupervisedWorker[] {
    return this.#places.active
  }

  /** How many workers are starting. */
  get coming(): number {
    return this.#places.coming
  }

  /** Why the last replacement failed to start; undefined once one has started. */
  get lastFailure(): Error | undefined {
    return this.#places.lastFailure
  }

  /** Starts `count` workers; if one fails, none. */
  async start(count: number): Promise<void> {
    this.#places.open(await this.#launch(count))
    if (this.#closed) throw new PoolDestroyedError()
    this.#recycling.start(this.#places)
    this.#pings.start(this.#places)
  }

  /** Starts as many new workers as are wanted, or none if one fails; then drains the old workers, and resolves with them. */
  async renew(): Promise<readonly WorkerProcess[]> {
    if (!this.#props.settings.overlap) return this.#renewOneByOne()
    return this.#places.exchange(await this.#launch(this.#places.wanted), RESET)
  }

  /** Adds a worker, up to numWorkers. */
  grow(): void {
    this.#places.grow()
  }

  /** Drains a worker and replaces it. False if it is already draining, or isn't in this set. */
  replace(worker: WorkerProcess, reason: string): boolean {
    return this.#places.replace(worker, reason)
  }

  /** Drains all workers, and kills those still running after `destroyTimeout`. */
  async end(reason: string): Promise<void> {
    this.#closed = true
    this.#recycling.stop()
    this.#pings.stop()
    this.#places.close(reason)
    for (const worker of this.#factory.processes) {
      if (!this.#places.members.has(worker)) void worker.kill()
    }
    await this.#factory.close()
  }

  line(worker: WorkerProcess, stream: 'stdout' | 'stderr', line: string): void {
    log(this.#props.context.logger, 'warn', { workerPid: worker.pid, stream }, line)
  }

  answered(worker: SupervisedWorker, task: Task, message: Message): void {
    if (isStopRequest(message)) return this.#refused(worker, task)
    this.#props.context.record?.signOfLife()
    // First, so that the worker has its next task while the caller looks at this one's answer.
    if (this.#mayGoOn(worker)) this.#props.tasks.free(worker)
    task.settle(message)
  }

  handedBack(task: Task): void {
    this.#props.tasks.handedBack(task)
  }

  recovered(worker: SupervisedWorker): void {
    if (this.#mayGoOn(worker)) this.#props.tasks.free(worker)
  }

  stopping(worker: WorkerProcess): void {
    this.#places.replace(worker, 'it was stopped')
  }

  abandoned(worker: WorkerProcess, why: string): void {
    this.#places.abandon(worker, why)
  }

  ended(worker: SupervisedWorker, error: WorkerError | undefined): void {
    this.#factory.remove(worker)
    this.#places.ended(worker, error)
  }

  #refused(worker: SupervisedWorker, task: Task): void {
    const { members } = this.#places
    if (!this.#places.replace(worker, 'it asked to be replaced')) members.stopDrained(worker)
    this.#props.tasks.refused(task, worker)
  }

  /** Whether a worker may take another task. One that may not is stopped once it has no tasks left. */
  #mayGoOn(worker: SupervisedWorker): boolean {
    const { members } = this.#places
    if (members.isDraining(worker)) {
      members.stopDrained(worker)
      return false
    }
    if (worker.state !== 'ready' && worker.state !== 'working') return false
    const reason = this.#recycling.due(worker, this.#places)
    if (reason !== undefined) this.#places.replace(worker, reason)
    return reason === undefined
  }

  async #launch(count: number): Promise<SupervisedWorker[]> {
    try {
      if (this.#closed) throw new PoolDestroyedError()
      const workers = await launchAll(count, this.#gate, this.#factory)
      if (!this.#closed) return workers
    } catch (error) {
      if (!this.#closed) {
        this.#places.report(error as Error, undefined)
        throw error
      }
    }
    throw new PoolDestroyedError()
  }

  /** Never runs more processes than workers: each one ends before its replacement starts. */
  async #renewOneByOne(): Promise<readonly WorkerProcess[]> {
    const old = this.active
    try {
      for (const worker of old) {
        if (!this.#places.vacate(worker, RESET)) continue
        await worker.wait()
        if (this.#places.hasVacancy) this.#places.join(await this.#launch(1))
      }
    } finally {
      this.#places.fill()
    }
    return old
  }
}

const RESET = 'the pool was reset'
