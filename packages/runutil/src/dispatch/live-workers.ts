import { unexpected } from '../core/errors.ts'
import { checkOptions, checkText } from '../core/options.ts'
import { isPlainFunction } from '../core/has.ts'
import { ErrTargetTaken } from './errors.ts'
import type { ManagerSettings } from './manager-options.ts'
import type { Settler } from './settler.ts'
import type { WorkerInfo } from './task-exchange.ts'
import { type LiveWorkerDetail, type TaskHandler, WorkerLoop } from './worker-loop.ts'

/** A worker that can perform actions on its target now. */
export interface LiveWorker {
  /** The name given to `register`. */
  readonly host: string
  readonly target: string
}

/** A worker that was registered in this process. */
export interface Registration extends LiveWorker {
  /** Resolves when this worker is live: at once, or once no other process has a worker for the target. */
  readonly ready: Promise<void>
  /**
   * Takes no more tasks, aborts the running task and waits for it to end; tasks that were not taken fail with 'worker lost'. Only
   * then is the target free.
   */
  close(): Promise<void>
}

/** What the workers of one process have to do. */
export interface WorkerLoad {
  /** Tasks whose handler was called and has not ended. */
  readonly running: number
  /** Tasks that wait for one of these workers; undefined where only a remote store knows. */
  readonly queued: number | undefined
}

/** Options of `register`. */
export interface RegisterOptions {
  /**
   * One task at a time across all operations of the target, among its workers with this option: in the order in which the
   * actions were written, and across all processes that share the ledger. A memory ledger is shared only as one ledger object; a
   * JSON lines file is open in one ledger object at a time. Default false.
   */
  exclusive?: boolean | undefined
}

/** The live workers of one operation. They are not stored in a ledger. */
export class LiveWorkers<I = unknown> implements Iterable<LiveWorker> {
  readonly #settings: ManagerSettings
  readonly #settler: Settler
  /** The workers that hold their target. */
  readonly #loops = new Map<string, WorkerLoop>()
  /** The workers of this process that haven't ended. */
  readonly #all = new Set<WorkerLoop>()

  constructor(settings: ManagerSettings, settler: Settler) {
    this.#settings = settings
    this.#settler = settler
  }

  /**
   * Adds a worker for a target. Its handler receives one task at a time. When the handler returns, the task's action succeeds
   * unless `update` has already ended it; when the handler throws, the action fails and the worker is no longer live.
   *
   * @throws ErrTargetTaken when this process already has a worker for the target; InvalidArgumentError
   */
  register(
    host: string,
    target: string,
    handler: (task: TaskOf<I>, signal: AbortSignal) => Promise<void> | void,
    options: RegisterOptions = {},
  ): Registration {
    checkNames({ host, target })
    if (!isPlainFunction(handler))
      throw unexpected('register', 'a handler (task, signal) => Promise', handler)
    const exclusive = isExclusive(options)
    const here = this.#loops.get(target)
    if (here !== undefined) throw new ErrTargetTaken(target, here.worker.host)
    const named = { operation: this.#settings.operation, host, target }
    const worker: WorkerInfo = exclusive ? { ...named, exclusive } : named
    const loop: WorkerLoop = new WorkerLoop({
      worker,
      handler: handler as TaskHandler,
      settings: this.#settings,
      settler: this.#settler,
      onGone: () => this.#forget(loop),
    })
    this.#loops.set(target, loop)
    this.#all.add(loop)
    void loop.run().then(() => this.#all.delete(loop))
    return { host, target, ready: loop.ready, close: () => loop.close() }
  }

  /** Removes the worker, unless its target already has a new one. */
  #forget(loop: WorkerLoop): void {
    const { target } = loop.worker
    if (this.#loops.get(target) === loop) this.#loops.delete(target)
  }

  /** The worker for a target; workers of other processes, as far as this one knows. */
  find(target: string): LiveWorker | undefined {
    return [...this].find((worker) => worker.target === target)
  }

  /** Those that take tasks; of other processes, as far as this one knows. */
  *[Symbol.iterator](): Iterator<LiveWorker> {
    for (const { host, target } of this.#known()) yield { host, target }
  }

  /** What the tree shows of them. */
  get detail(): readonly LiveWorkerDetail[] {
    return [...this].map((worker) => {
      const loop = this.#loops.get(worker.target)
      return (loop?.worker.host === worker.host ? loop.detail : undefined) ?? worker
    })
  }

  /** What those that were registered in this process have to do. Asks no ledger. */
  get load(): WorkerLoad {
    let running = 0
    let queued: number | undefined = 0
    for (const loop of this.#all) {
      if (loop.isBusy) running++
      const waiting = loop.queued
      queued = queued === undefined || waiting === undefined ? undefined : queued + waiting
    }
    return { running, queued }
  }

  #known(): readonly LiveWorker[] {
    const { ledger, operation } = this.#settings
    return ledger.exchange.known(operation)
  }

  /** Waits for all workers to close, even when closing one fails. */
  async closeAll(): Promise<void> {
    const closed = await Promise.allSettled(Array.from(this.#all, (loop) => loop.close()))
    for (const each of closed) if (each.status === 'rejected') throw each.reason
  }
}

function checkNames(names: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(names)) {
    if (typeof value !== 'string' || value === '') throw unexpected(`register: ${name}`, 'a name', value)
    checkText(value, `register: ${name}`)
  }
}

function isExclusive(options: RegisterOptions): boolean {
  const { exclusive = false } = checkOptions('register', options, ['exclusive'])
  if (typeof exclusive !== 'boolean') throw unexpected('register: exclusive', 'true or false', exclusive)
  return exclusive
}

type TaskOf<I> = Parameters<TaskHandler<I>>[0]
