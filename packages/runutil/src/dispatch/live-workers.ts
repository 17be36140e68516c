import { unexpected } from '../core/errors.ts'
import { checkOptions, checkText } from '../core/options.ts'
import { isPlainFunction } from '../core/has.ts'
import { ErrTargetTaken } from './errors.ts'
import type { ManagerSettings } from './manager-options.ts'
import type { Settler } from './settler.ts'
import type { WorkerInfo } from './task-exchange.ts'
import { type TaskHandler, WorkerLoop } from './worker-loop.ts'

/** A worker that can perform actions on its target now. */
export interface LiveWorker {
  readonly host: string
  readonly target: string
}

/** A worker that was registered in this process. */
export interface Registration extends LiveWorker {
  /** Resolves when it is live: at once, or when the worker of another process for that target is gone. */
  readonly ready: Promise<void>
  /**
   * Takes no more tasks, aborts the running one and waits for it; tasks that nobody took fail with 'worker lost'. Only then is
   * the target free.
   */
  close(): Promise<void>
}

/** Options of `register`. */
export interface RegisterOptions {
  /**
   * One task at a time over all operations of the target, among its workers that are registered so: in the order in which
   * the actions were written, and in all processes that share the ledger. In memory that is one ledger object; a JSON lines
   * file is open in one ledger object at a time. Default false.
   */
  exclusive?: boolean | undefined
}

/** The live workers of one operation. They are in no ledger. */
export class LiveWorkers<I = unknown> implements Iterable<LiveWorker> {
  readonly #settings: ManagerSettings
  readonly #settler: Settler
  /** Those that hold their target. */
  readonly #loops = new Map<string, WorkerLoop>()
  /** Those that haven't ended. */
  readonly #all = new Set<WorkerLoop>()

  constructor(settings: ManagerSettings, settler: Settler) {
    this.#settings = settings
    this.#settler = settler
  }

  /**
   * Adds a worker for a target. Its handler gets one task after another. When it returns, the action of the task has succeeded
   * unless `update` has ended it otherwise; when it throws, the action has failed and the worker is no longer live.
   *
   * @throws ErrTargetTaken when this process has a worker for it; InvalidArgumentError
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

  /** Its target may have a new one already. */
  #forget(loop: WorkerLoop): void {
    const { target } = loop.worker
    if (this.#loops.get(target) === loop) this.#loops.delete(target)
  }

  /** The one for a target; of other processes, as far as this one knows. */
  find(target: string): LiveWorker | undefined {
    return [...this].find((worker) => worker.target === target)
  }

  *[Symbol.iterator](): Iterator<LiveWorker> {
    for (const { host, target } of this.#known()) yield { host, target }
  }

  #known(): readonly LiveWorker[] {
    const { ledger, operation } = this.#settings
    return ledger.exchange.known(operation)
  }

  /** Waits for all of them, also when closing one fails. */
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
