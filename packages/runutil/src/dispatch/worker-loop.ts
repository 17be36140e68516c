import { inNewScope } from '../core/async-scope.ts'
import { currentLogger } from '../core/context.ts'
import { linkedController } from '../core/linked-controller.ts'
import { logWarning } from '../core/log.ts'
import { toError } from '../core/thrown.ts'
import type { Task } from './action.ts'
import { WorkerLostError } from './errors.ts'
import { performAs } from './own-target.ts'
import type { Announcement, TaskExchange, WorkerInfo } from './task-exchange.ts'

export type TaskHandler<I = unknown> = (task: Task<I>, signal: AbortSignal) => Promise<void> | void

/** What a worker needs, besides tasks. */
export interface WorkDeps {
  /** In ms since the epoch. */
  readonly now: () => number
  /** Unless it has ended already; tries until the signal aborts and a while is over. */
  readonly succeed: (action: string, signal: AbortSignal) => Promise<void>
  readonly fail: (action: string, error: Error, signal: AbortSignal) => Promise<void>
}

/** One registered worker: announcing ─► live, a task at a time ─► gone, when it was closed or its handler threw. */
export class WorkerLoop {
  readonly worker: WorkerInfo
  readonly ready: Promise<void>
  readonly #handler: TaskHandler
  readonly #deps: WorkDeps
  /** It has given its target up. */
  readonly #onGone: () => void
  readonly #closing = new AbortController()
  #announcement: Announcement | undefined
  #ended: Promise<void> = Promise.resolve()
  #beReady!: () => void
  #beLost!: (reason: unknown) => void

  constructor(worker: WorkerInfo, handler: TaskHandler, deps: WorkDeps, onGone: () => void) {
    this.worker = worker
    this.#handler = handler
    this.#deps = deps
    this.#onGone = onGone
    this.ready = new Promise((resolve, reject) => {
      this.#beReady = resolve
      this.#beLost = reject
    })
    // Nobody has to look.
    this.ready.catch(() => {})
  }

  /** Never rejects. A worker that was lost is announced again. */
  run(exchange: TaskExchange): Promise<void> {
    this.#ended = this.#live(exchange, exchange.announce(this.worker, this.#closing.signal))
    return this.#ended
  }

  /** Aborts its task and waits for it; until then it has its target. */
  async close(): Promise<void> {
    this.#closing.abort(new WorkerLostError())
    try {
      await this.#announcement?.close(this.#deps.now())
    } finally {
      await this.#ended
    }
  }

  async #live(exchange: TaskExchange, announced: Promise<Announcement>): Promise<void> {
    try {
      while (await this.#takeTasks(await announced)) {
        announced = exchange.announce(this.worker, this.#closing.signal)
      }
    } catch (error) {
      this.#beLost(error)
      if (!this.#closing.signal.aborted) {
        logWarning(currentLogger(), error, `worker for target ${this.worker.target} is not live`)
      }
      await this.#withdraw().catch(() => {})
    }
    this.#onGone()
  }

  /** Until no more come. @returns true when it is to be announced again */
  async #takeTasks(announcement: Announcement): Promise<boolean> {
    this.#announcement = announcement
    this.#beReady()
    if (this.#closing.signal.aborted) await announcement.close(this.#deps.now())
    const { lost } = announcement
    const controller = linkedController(this.#closing.signal)
    const onLost = (): void => controller.abort(lost.reason)
    lost.addEventListener('abort', onLost, { once: true })
    for (let task = await announcement.next(); task !== undefined; task = await announcement.next()) {
      await this.#perform(task, controller.signal, lost)
    }
    lost.removeEventListener('abort', onLost)
    controller.dispose()
    await this.#withdraw()
    return lost.aborted && !this.#closing.signal.aborted
  }

  async #perform(task: Task, signal: AbortSignal, lost: AbortSignal): Promise<void> {
    const closing = this.#closing.signal
    // A handler that listens for the abort would never hear of it.
    if (signal.aborted) return this.#deps.fail(task.action, new WorkerLostError(), closing)
    try {
      await inNewScope(() => performAs(this.worker, () => this.#handler(task, signal)))
    } catch (error) {
      await this.#withdraw()
      // One that was lost is announced again.
      if (!lost.aborted) this.#onGone()
      return this.#deps.fail(task.action, toError(error), closing)
    }
    await this.#deps.succeed(task.action, closing)
  }

  async #withdraw(): Promise<void> {
    await this.#announcement?.withdraw(this.#deps.now())
  }
}
