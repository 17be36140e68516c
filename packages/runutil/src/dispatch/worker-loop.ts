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

/** One registered worker: announcing ─► live, a task at a time ─► gone. */
export class WorkerLoop {
  readonly worker: WorkerInfo
  readonly ready: Promise<void>
  readonly #handler: TaskHandler
  readonly #deps: WorkDeps
  readonly #controller = linkedController()
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

  /** Never rejects. */
  run(exchange: TaskExchange): Promise<void> {
    this.#ended = this.#live(exchange.announce(this.worker, this.#controller.signal))
    return this.#ended
  }

  async close(): Promise<void> {
    this.#controller.abort(new WorkerLostError())
    await this.#withdraw()
    await this.#ended
  }

  async #live(announced: Promise<Announcement>): Promise<void> {
    try {
      this.#announcement = await announced
      this.#beReady()
      if (this.#controller.signal.aborted) await this.#withdraw()
      const { lost } = this.#announcement
      lost.addEventListener('abort', () => this.#controller.abort(lost.reason), { once: true })
      for (
        let task = await this.#announcement.next();
        task !== undefined;
        task = await this.#announcement.next()
      ) {
        await this.#perform(task)
      }
    } catch (error) {
      this.#beLost(error)
      if (!this.#controller.signal.aborted) {
        currentLogger().warn({ err: error }, `worker for target ${this.worker.target} is not live any more`)
      }
    }
  }

  async #perform(task: Task): Promise<void> {
    try {
      await this.#handler(task, this.#controller.signal)
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
