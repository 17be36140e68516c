import type { Events } from '../core/events.ts'
import { log } from '../core/log.ts'
import { PoolDestroyedError, type WorkerError } from './errors.ts'
import { launchAll } from './launch.ts'
import type { PoolSettings } from './options.ts'
import { Pings } from './pings.ts'
import type { PoolContext } from './pool-context.ts'
import type { PoolEvents } from './pool-events.ts'
import { Recycling } from './recycling.ts'
import { isStopRequest } from './relay/message-reader.ts'
import type { Message } from './relay/message.ts'
import type { Relay } from './relay/relay.ts'
import { StartGate } from './start-gate.ts'
import type { TaskSource } from './task-source.ts'
import { WorkerFactory } from './worker-factory.ts'
import { WorkerSlots } from './worker-slots.ts'
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
  readonly #slots: WorkerSlots
  readonly #recycling: Recycling
  readonly #pings: Pings
  #closed = false

  constructor(props: WorkerSetProps) {
    const { settings, context } = props
    this.#props = props
    this.#gate = new StartGate(settings.startConcurrency)
    this.#factory = new WorkerFactory({ ...props, listener: this })
    this.#slots = new WorkerSlots({ ...props, gate: this.#gate, factory: this.#factory })
    this.#recycling = new Recycling(settings, context.clock)
    this.#pings = new Pings(settings.pingMs, context.clock)
  }

  /** The workers that take tasks, without those that are starting or draining. */
  get active(): readonly SupervisedWorker[] {
    return this.#slots.active
  }

  /** How many workers are starting. */
  get starting(): number {
    return this.#slots.starting
  }

  /** Why the last replacement failed to start; undefined once one has started. */
  get lastFailure(): Error | undefined {
    return this.#slots.lastFailure
  }

  /** Starts `count` workers; if one fails, none. */
  async start(count: number): Promise<void> {
    this.#slots.open(await this.#launch(count))
    if (this.#closed) throw new PoolDestroyedError()
    this.#recycling.start(this.#slots)
    this.#pings.start(this.#slots)
  }

  /** Starts as many new workers as are wanted, or none if one fails; then drains the old workers, and resolves with them. */
  async renew(): Promise<readonly WorkerProcess[]> {
    if (!this.#props.settings.overlap) return this.#renewOneByOne()
    return this.#slots.replaceAll(await this.#launch(this.#slots.wanted), RESET)
  }

  /** Adds a worker, up to numWorkers. */
  grow(): void {
    this.#slots.grow()
  }

  /** Drains a worker and replaces it. False if it is already draining, or isn't in this set. */
  replace(worker: WorkerProcess, reason: string): boolean {
    return this.#slots.replace(worker, reason)
  }

  /** Drains all workers, and kills those still running after `destroyTimeout`. */
  async end(reason: string): Promise<void> {
    this.#closed = true
    this.#recycling.stop()
    this.#pings.stop()
    this.#slots.close(reason)
    for (const worker of this.#factory.processes) {
      if (!this.#slots.tracked.has(worker)) void worker.kill()
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

  returned(task: Task): void {
    this.#props.tasks.returned(task)
  }

  recovered(worker: SupervisedWorker): void {
    if (this.#mayGoOn(worker)) this.#props.tasks.free(worker)
  }

  stopping(worker: WorkerProcess): void {
    this.#slots.replace(worker, 'it was stopped')
  }

  abandoned(worker: WorkerProcess, why: string): void {
    this.#slots.abandon(worker, why)
  }

  ended(worker: SupervisedWorker, error: WorkerError | undefined): void {
    this.#factory.remove(worker)
    this.#slots.ended(worker, error)
  }

  #refused(worker: SupervisedWorker, task: Task): void {
    const { tracked } = this.#slots
    if (!this.#slots.replace(worker, 'it asked to be replaced')) tracked.stopDrained(worker)
    this.#props.tasks.refused(task, worker)
  }

  /** Whether a worker may take another task. One that may not is stopped once it has no tasks left. */
  #mayGoOn(worker: SupervisedWorker): boolean {
    const { tracked } = this.#slots
    if (tracked.isDraining(worker)) {
      tracked.stopDrained(worker)
      return false
    }
    if (worker.state !== 'ready' && worker.state !== 'working') return false
    const reason = this.#recycling.due(worker, this.#slots)
    if (reason !== undefined) this.#slots.replace(worker, reason)
    return reason === undefined
  }

  async #launch(count: number): Promise<SupervisedWorker[]> {
    try {
      if (this.#closed) throw new PoolDestroyedError()
      const workers = await launchAll(count, this.#gate, this.#factory)
      if (!this.#closed) return workers
    } catch (error) {
      if (!this.#closed) {
        this.#slots.report(error as Error, undefined)
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
        if (!this.#slots.vacate(worker, RESET)) continue
        await worker.wait()
        if (this.#slots.hasEmptySlot) this.#slots.join(await this.#launch(1))
      }
    } finally {
      this.#slots.fill()
    }
    return old
  }
}

const RESET = 'the pool was reset'
