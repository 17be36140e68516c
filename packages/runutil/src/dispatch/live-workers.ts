import { unexpected } from '../core/errors.ts'
import { checkOptions, checkText } from '../core/options.ts'
import { isPlainFunction } from '../core/has.ts'
import { ErrTargetTaken } from './errors.ts'
import type { TaskExchange } from './task-exchange.ts'
import { type TaskHandler, type WorkDeps, WorkerLoop } from './worker-loop.ts'

/** Something live that can perform actions on its target. */
export interface LiveWorker {
  readonly host: string
  readonly target: string
}

export interface Registration extends LiveWorker {
  /** Resolves when it is live: at once, or when the worker that another process has for the target is gone. */
  readonly ready: Promise<void>
  /**
   * Takes no more tasks, aborts the running one and waits for it; tasks that nobody took fail with 'worker lost'. The target
   * is another's only afterwards.
   */
  close(): Promise<void>
}

export interface RegisterOptions {
  /**
   * One task at a time over all operations of the target, of its workers that are registered so: in the order in which they
   * were written, and in all processes that share the ledger. Default false.
   */
  exclusive?: boolean | undefined
}

/** The live workers of one operation; nothing of it is kept (seed 002). */
export class LiveWorkers<I = unknown> implements Iterable<LiveWorker> {
  readonly #operation: string
  readonly #exchange: TaskExchange
  readonly #deps: WorkDeps
  /** Those that have their target. */
  readonly #loops = new Map<string, WorkerLoop>()
  /** Those that haven't ended. */
  readonly #all = new Set<WorkerLoop>()

  constructor(operation: string, exchange: TaskExchange, deps: WorkDeps) {
    this.#operation = operation
    this.#exchange = exchange
    this.#deps = deps
  }

  /**
   * Adds a worker for a target. Its handler gets one task after another; when it returns, the task's action has succeeded
   * unless it said otherwise by `update`; when it throws, the action has failed and the worker is no longer live.
   *
   * @throws ErrTargetTaken when this process has one for it; InvalidArgumentError
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
    const worker = { operation: this.#operation, host, target, ...(exclusive && { exclusive }) }
    const onGone = (): void => {
      if (this.#loops.get(target) === loop) this.#loops.delete(target)
    }
    const loop = new WorkerLoop(worker, handler as TaskHandler, this.#deps, onGone)
    this.#loops.set(target, loop)
    this.#all.add(loop)
    void loop.run(this.#exchange).then(() => this.#all.delete(loop))
    return { host, target, ready: loop.ready, close: () => loop.close() }
  }

  /** The one for a target; of other processes, as far as is known here. */
  find(target: string): LiveWorker | undefined {
    return [...this].find((worker) => worker.target === target)
  }

  *[Symbol.iterator](): Iterator<LiveWorker> {
    for (const { host, target } of this.#exchange.known(this.#operation)) yield { host, target }
  }

  /** Waits for all of them, whatever becomes of some. */
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
