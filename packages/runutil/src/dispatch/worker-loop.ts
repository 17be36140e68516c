import { linkedController } from '../core/abort.ts'
import { currentLogger } from '../core/context.ts'
import { toError } from '../core/errors.ts'
import type { Task } from './action.ts'
import { WorkerLostError } from './errors.ts'
import type { Announcement, TaskExchange, WorkerInfo } from './task-exchange.ts'

export type TaskHandler<I = unknown> = (task: Task<I>, signal: AbortSignal) => Promise<void> | void

/** What becomes of actions. */
export interface WorkDeps {
  /** Unless it has ended already. */
  readonly succeed: (action: string) => Promise<void>
  /** Unless it has ended already. */
  readonly fail: (action: string, error: Error) => Promise<void>
}

/** One registered worker: announcing ─► live, a task at a time ─► gone, when it was closed or its handler threw. */
export class WorkerLoop {
  readonly worker: WorkerInfo
  readonly ready: Promise<void>
  readonly #handler: TaskHandler
  readonly #deps: WorkDeps
  readonly #closing = new AbortController()
  #announcement: Announcement | undefined
  #ended: Promise<void> = Promise.resolve()
  #beReady!: () => void
  #beLost!: (reason: unknown) => void

  constructor(worker: WorkerInfo, handler: TaskHandler, deps: WorkDeps) {
    this.worker = worker
    this.#handler = handler
    this.#deps = deps
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

  async close(): Promise<void> {
    this.#closing.abort(new WorkerLostError())
    await this.#withdraw()
    await this.#ended
  }

  async #live(exchange: TaskExchange, announced: Promise<Announcement>): Promise<void> {
    try {
      while (await this.#takeTasks(await announced)) {
        announced = exchange.announce(this.worker, this.#closing.signal)
      }
    } catch (error) {
      this.#beLost(error)
      if (this.#closing.signal.aborted) return
      currentLogger().warn({ err: error }, `worker for target ${this.worker.target} is not live`)
      await this.#withdraw().catch(() => {})
    }
  }

  /** Until it isn't live any more. @returns true when it is to be announced again */
  async #takeTasks(announcement: Announcement): Promise<boolean> {
    this.#announcement = announcement
    this.#beReady()
    if (this.#closing.signal.aborted) await this.#withdraw()
    const { lost } = announcement
    const controller = linkedController(this.#closing.signal)
    const onLost = (): void => controller.abort(lost.reason)
    lost.addEventListener('abort', onLost, { once: true })
    for (let task = await announcement.next(); task !== undefined; task = await announcement.next()) {
      await this.#perform(task, controller.signal)
    }
    lost.removeEventListener('abort', onLost)
    controller.dispose()
    return lost.aborted && !this.#closing.signal.aborted
  }

  async #perform(task: Task, signal: AbortSignal): Promise<void> {
    // A handler that listens for the abort would never hear of it.
    if (signal.aborted) return this.#deps.fail(task.action, new WorkerLostError())
    try {
      await this.#handler(task, signal)
    } catch (error) {
      await this.#withdraw()
      return this.#deps.fail(task.action, toError(error))
    }
    await this.#deps.succeed(task.action)
  }

  /** What it leaves is nobody's. */
  async #withdraw(): Promise<void> {
    const left = (await this.#announcement?.withdraw()) ?? []
    await Promise.all(left.map((action) => this.#deps.fail(action, new WorkerLostError())))
  }
}
