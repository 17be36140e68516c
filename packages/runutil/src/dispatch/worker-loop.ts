import { linkedController } from '../core/linked-controller.ts'
import { Context, currentContext, currentLogger, newScope, withContext } from '../core/context.ts'
import type { Progress } from '../core/progress.ts'
import { toError } from '../core/thrown.ts'
import { logWarning } from '../core/log.ts'
import { inNewScope } from '../core/async-scope.ts'
import type { Task } from './action.ts'
import { WorkerLostError } from './errors.ts'
import type { HandlerResult } from './handler-result.ts'
import { type ManagerSettings, clockOf } from './manager-options.ts'
import { runInTaskScope } from './own-target.ts'
import type { Settler } from './settler.ts'
import type { WorkerInfo, WorkerRegistration } from './task-exchange.ts'

export type TaskHandler<I = unknown> = (task: Task<I>, signal: AbortSignal) => Promise<void> | void

export interface WorkerLoopProps {
  readonly worker: WorkerInfo
  readonly handler: TaskHandler
  readonly settings: ManagerSettings
  readonly settler: Settler
  /** Called when the worker has released its target. */
  readonly onGone: () => void
}

/** A live worker, as the tree shows it. */
export interface LiveWorkerDetail {
  readonly host: string
  readonly target: string
  /** Absent for a worker of another process. */
  readonly since?: Date
  /** Tasks that wait for it; absent if unknown here. */
  readonly queued?: number
  /** What the handler of its task last passed to `reportProgress`. */
  readonly progress?: Progress
}

/** One registered worker: registering ─► live, one task at a time ─► gone, after `close` or when its handler threw. */
export class WorkerLoop {
  readonly worker: WorkerInfo
  readonly ready: Promise<void>
  readonly #props: WorkerLoopProps
  readonly #closing = new AbortController()
  #registration: WorkerRegistration | undefined
  /** When it was last registered. */
  #liveSince: Date | undefined
  /** Of the task that its handler performs. */
  #task: Context | undefined
  #ended: Promise<void> = Promise.resolve()
  #resolveReady!: () => void
  #rejectReady!: (reason: unknown) => void

  constructor(props: WorkerLoopProps) {
    this.#props = props
    this.worker = props.worker
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve
      this.#rejectReady = reject
    })
    // Callers may ignore it.
    this.ready.catch(() => {})
  }

  /** What the tree shows of it; undefined until it is live. */
  get detail(): LiveWorkerDetail | undefined {
    if (this.#registration === undefined || this.#liveSince === undefined) return undefined
    const { host, target } = this.worker
    const { queued } = this.#registration
    const progress = this.#task?.progress
    return {
      host,
      target,
      since: this.#liveSince,
      ...(queued !== undefined && { queued }),
      ...(progress !== undefined && { progress }),
    }
  }

  /** Whether its handler performs a task. */
  get isBusy(): boolean {
    return this.#task !== undefined
  }

  /** How many tasks wait for it; 0 until it is live, undefined if unknown here. */
  get queued(): number | undefined {
    return this.#registration === undefined ? 0 : this.#registration.queued
  }

  /** Never rejects. Registers a lost worker again. */
  run(): Promise<void> {
    this.#ended = this.#live(this.#register())
    return this.#ended
  }

  /** Aborts the worker's task and waits for it to end; the worker holds its target until then. */
  async close(): Promise<void> {
    this.#closing.abort(new WorkerLostError())
    try {
      await this.#registration?.close(this.#now())
    } finally {
      await this.#ended
    }
  }

  #register(): Promise<WorkerRegistration> {
    return this.#props.settings.ledger.exchange.register(this.worker, this.#closing.signal)
  }

  #now(): number {
    return clockOf(this.#props.settings).now()
  }

  async #live(registering: Promise<WorkerRegistration>): Promise<void> {
    try {
      let registration = await registering
      while (await this.#takeTasks(registration)) registration = await this.#register()
    } catch (error) {
      this.#rejectReady(error)
      if (!this.#closing.signal.aborted) {
        logWarning(currentLogger(), error, `worker for target ${this.worker.target} is not live`)
      }
      await this.#withdraw().catch(() => {})
    }
    this.#props.onGone()
  }

  /** Takes tasks until there are no more. @returns true when the worker is to be registered again */
  async #takeTasks(registration: WorkerRegistration): Promise<boolean> {
    this.#registration = registration
    this.#liveSince = new Date(this.#now())
    this.#resolveReady()
    if (this.#closing.signal.aborted) await registration.close(this.#now())
    const { lost } = registration
    const controller = linkedController(this.#closing.signal)
    const onLost = (): void => controller.abort(lost.reason)
    lost.addEventListener('abort', onLost, { once: true })
    for (let task = await registration.next(); task !== undefined; task = await registration.next()) {
      await this.#execute(task, controller.signal, lost)
    }
    lost.removeEventListener('abort', onLost)
    controller.dispose()
    await this.#withdraw()
    return lost.aborted && !this.#closing.signal.aborted
  }

  async #execute(task: Task, signal: AbortSignal, lost: AbortSignal): Promise<void> {
    const result = await this.#perform(task, signal)
    if (result.kind === 'threw') {
      await this.#withdraw()
      // A lost worker is registered again.
      if (!lost.aborted) this.#goneBy(result.error)
    }
    await this.#props.settler.settle(task.action, result, this.worker, this.#closing.signal)
  }

  /** The handler threw. Nobody but the log would tell the host so: its caller may be another process. */
  #goneBy(error: Error): void {
    this.#props.onGone()
    if (this.#closing.signal.aborted) return
    const { target } = this.worker
    const message = `worker for target ${target} is not live: its handler threw; register it again when the target works`
    logWarning(currentLogger(), error, message)
  }

  async #perform(task: Task, signal: AbortSignal): Promise<HandlerResult> {
    // A handler that listens for `abort` would miss an earlier one.
    if (signal.aborted) return { kind: 'not called' }
    const context = (
      currentContext() ?? new Context(newScope({ clock: clockOf(this.#props.settings) }), '')
    ).child()
    this.#task = context
    try {
      await inNewScope(() =>
        withContext(context, () => runInTaskScope(this.worker, () => this.#props.handler(task, signal))),
      )
      return { kind: 'returned' }
    } catch (error) {
      return { kind: 'threw', error: toError(error) }
    } finally {
      this.#task = undefined
    }
  }

  async #withdraw(): Promise<void> {
    await this.#registration?.withdraw(this.#now())
  }
}
