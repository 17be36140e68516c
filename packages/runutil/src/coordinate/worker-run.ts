import { Context, currentContext, newScope } from '../core/context.ts'
import { RunRecord } from '../core/run-record.ts'
import { workerReady } from '../core/worker-ready.ts'
import { offAbort, onAbort } from '../core/abort.ts'
import { healthCheckpoint, reportHealth } from '../core/health.ts'
import { Notify } from '../core/notify.ts'
import { sleep } from '../core/wait.ts'
import { ChildRun } from './child-run.ts'
import { heartbeat } from './heartbeat.ts'
import type { CoordinateWorkerRecord } from './model.ts'
import { RequestTurns } from './request-turns.ts'
import type { RunningTask } from './running-task.ts'
import type { CoordinateWorkerSettings } from './worker-settings.ts'

/** One run of a CoordinateWorker: one child per concurrent set of attempts. */
export class WorkerRun {
  readonly #settings: CoordinateWorkerSettings
  readonly #signal: AbortSignal
  readonly #turns = new RequestTurns()
  readonly #ready: Notify
  readonly #record = new RunRecord(currentContext() ?? new Context(newScope({}), ''))
  readonly #children = new Set<ChildRun>()
  readonly #running = new Set<RunningTask>()
  /** Whether a child waits for work; all other idle children queue behind it. */
  #isWaiting = false
  /** When it last updated its record. */
  #heartbeatAt: Date | undefined

  constructor(settings: CoordinateWorkerSettings, signal: AbortSignal) {
    this.#settings = settings
    this.#signal = signal
    this.#ready = new Notify(settings.clock, signal)
  }

  async run(): Promise<void> {
    const { namespace, workerId } = this.#settings
    if (this.#signal.aborted) return
    const itself = await namespace.worker(workerId)
    try {
      await this.#report(itself)
      healthCheckpoint()
      this.#takeControls()
      workerReady()
      const unlisten = await namespace.listen(() => this.#ready.notify())
      await this.#work(itself)
      await this.#trying(() => unlisten())
    } finally {
      await this.#trying(() => itself.deactivate())
    }
  }

  #takeControls(): void {
    const look = (): void => void this.#ready.notify()
    this.#record.controlledBy({ pause: look, resume: look })
    this.#record.describedBy(() => this.#detail)
    this.#record.idleWhen(() => this.#isWaiting && this.#running.size === 0)
  }

  get #detail(): object {
    const { namespace, workerId, concurrency } = this.#settings
    const tasks = [...this.#running].map(({ name, attempts, progress }) => {
      return { workSpec: name, attempts, ...(progress !== undefined && { progress }) }
    })
    const children = this.#children.size
    return { namespace: namespace.name, workerId, concurrency, children, tasks, heartbeat: this.#heartbeatAt }
  }

  async #work(itself: CoordinateWorkerRecord): Promise<void> {
    const { concurrency } = this.#settings
    const stop = (): void => this.#abortAll()
    onAbort(this.#signal, stop)
    const children = Array.from({ length: concurrency }, (_, at) => this.#child(itself, at))
    await Promise.all([...children, this.#sendHeartbeats(itself)])
    offAbort(this.#signal, stop)
  }

  #abortAll(): void {
    for (const child of this.#children) child.abort(this.#signal.reason)
  }

  async #child(parent: CoordinateWorkerRecord, at: number): Promise<void> {
    const record = await this.#register(parent, at)
    if (record === undefined) return
    const child = new ChildRun({
      settings: this.#settings,
      record,
      signal: this.#signal,
      turns: this.#turns,
      untilReady: this.#untilReady,
      isPaused: () => this.#record.isPaused,
      running: this.#running,
      trying: this.#trying,
      heartbeatCall: this.#heartbeatCall,
      onSign: () => this.#record.signOfLife(),
    })
    this.#children.add(child)
    await child.run()
  }

  /** @returns undefined when the worker was stopped before it could register */
  async #register(parent: CoordinateWorkerRecord, at: number): Promise<CoordinateWorkerRecord | undefined> {
    const { namespace, clock, pollIntervalMs } = this.#settings
    while (!this.#signal.aborted) {
      const child = await this.#trying(async () => {
        const made = await namespace.worker(`${parent.name}-${at + 1}`)
        await made.setParent(parent)
        return made
      })
      if (child !== undefined) return child
      await sleep(clock, pollIntervalMs, this.#signal)
    }
    return undefined
  }

  async #sendHeartbeats(itself: CoordinateWorkerRecord): Promise<void> {
    const { namespace, clock, heartbeatMs, retentionMs } = this.#settings
    for (;;) {
      await sleep(clock, heartbeatMs, this.#signal)
      if (this.#signal.aborted) return
      await this.#heartbeatCall(() => this.#report(itself))
      await Promise.all([...this.#children].map((child) => child.sendHeartbeat()))
      if (retentionMs !== undefined)
        await this.#heartbeatCall(() => namespace.prune(retentionMs, this.#signal))
    }
  }

  async #report(itself: CoordinateWorkerRecord): Promise<void> {
    const tasks = [...this.#children].flatMap(({ taskName }) => taskName ?? [])
    const now = this.#settings.clock.now()
    await itself.update(heartbeat(tasks, now))
    this.#heartbeatAt = new Date(now)
  }

  readonly #untilReady = async (ms: number): Promise<void> => {
    this.#isWaiting = true
    await this.#ready.wait(ms)
    this.#isWaiting = false
    // The time limit of the next step counts from now.
    this.#record.signOfLife()
  }

  readonly #trying = <T>(call: () => Promise<T>): Promise<T | undefined> => this.#try(call, healthCheckpoint)

  /** Heartbeats go on, also while a task hangs or no request is answered. */
  readonly #heartbeatCall = <T>(call: () => Promise<T>): Promise<T | undefined> =>
    this.#try(call, reportHealth)

  /** Reports an error of the store, and goes on. The worker's health is that of the last call. */
  async #try<T>(call: () => Promise<T>, report: (error?: unknown) => void): Promise<T | undefined> {
    try {
      const answer = await call()
      report()
      return answer
    } catch (error) {
      if (!this.#signal.aborted) report(error)
      this.#settings.onError(error)
      return undefined
    }
  }
}
