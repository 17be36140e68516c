import { offAbort, onAbort } from '../core/abort.ts'
import { Doorbell } from '../core/doorbell.ts'
import { sleep } from '../core/wait.ts'
import type { CoordinateWorkerSettings } from './coordinate-worker.ts'
import { vitals } from './heartbeat.ts'
import type { Attempt, CoordinateWorkerRecord } from './model.ts'
import { RunningTask } from './running-task.ts'
import { Turn } from './turn.ts'

/** How long a worker that says nothing more is still taken to be there. */
const EXPIRES_AFTER_MS = 15 * 60_000

/**
 * One run of a CoordinateWorker: a child for each set of attempts that it works on at once, each asks ─► works ─► asks.
 *
 * They ask one at a time. One that gets nothing waits in its turn, so that an idle worker sends one request a
 * `pollInterval`, however many children it has; one that gets something lets the next ask at once.
 */
export class WorkerRun {
  readonly #settings: CoordinateWorkerSettings
  readonly #signal: AbortSignal
  readonly #turn = new Turn()
  readonly #ready: Doorbell
  readonly #running = new Set<RunningTask>()

  constructor(settings: CoordinateWorkerSettings, signal: AbortSignal) {
    this.#settings = settings
    this.#signal = signal
    this.#ready = new Doorbell(settings.clock, signal)
  }

  async run(): Promise<void> {
    const { namespace, workerId, concurrency } = this.#settings
    if (this.#signal.aborted) return
    const itself = await namespace.worker(workerId)
    await this.#report(itself)
    const unlisten = await namespace.listen(() => this.#ready.ring())
    const stop = (): void => this.#abortAll()
    onAbort(this.#signal, stop)
    const children = Array.from({ length: concurrency }, (_, at) => this.#child(itself, at))
    const heart = this.#beat(itself)
    await Promise.all(children)
    offAbort(this.#signal, stop)
    await heart
    await this.#trying(() => unlisten())
    await this.#trying(() => itself.deactivate())
  }

  #abortAll(): void {
    for (const task of this.#running) task.abort(this.#signal.reason)
  }

  async #child(parent: CoordinateWorkerRecord, at: number): Promise<void> {
    let child: CoordinateWorkerRecord | undefined
    while (!this.#signal.aborted) {
      child ??= await this.#trying(() => this.#register(parent, at))
      if (child === undefined) await sleep(this.#settings.clock, this.#settings.pollIntervalMs, this.#signal)
      else await this.#workOnce(child)
    }
    if (child !== undefined) await this.#trying(() => child.deactivate())
  }

  async #register(parent: CoordinateWorkerRecord, at: number): Promise<CoordinateWorkerRecord> {
    const child = await this.#settings.namespace.worker(`${parent.name}-${at + 1}`)
    await child.setParent(parent)
    return child
  }

  async #workOnce(child: CoordinateWorkerRecord): Promise<void> {
    const attempts = await this.#turn.take(() => this.#ask(child))
    if (attempts.length === 0) return
    const task = new RunningTask({ ...this.#settings, child, attempts, trying: this.#trying })
    this.#running.add(task)
    if (this.#signal.aborted) task.abort(this.#signal.reason)
    await task.run()
    this.#running.delete(task)
    if (this.#signal.aborted) await task.expireWhatIsLeft()
  }

  /** Waits when there is nothing, so that who is next in turn waits as well. */
  async #ask(child: CoordinateWorkerRecord): Promise<Attempt[]> {
    if (this.#signal.aborted) return []
    const { maxAttempts, runtimes, lifetimeMs: lifetime, pollIntervalMs } = this.#settings
    const request = { numberOfWorkUnits: maxAttempts, runtimes, lifetime }
    const attempts = (await this.#trying(() => child.requestAttempts(request))) ?? []
    if (attempts.length === 0) await this.#ready.wait(pollIntervalMs)
    return attempts
  }

  async #beat(itself: CoordinateWorkerRecord): Promise<void> {
    const { namespace, clock, heartbeatMs, retentionMs } = this.#settings
    for (;;) {
      await sleep(clock, heartbeatMs, this.#signal)
      if (this.#signal.aborted) return
      await this.#trying(() => this.#report(itself))
      if (retentionMs !== undefined) await this.#trying(() => namespace.prune(retentionMs, this.#signal))
    }
  }

  async #report(itself: CoordinateWorkerRecord): Promise<void> {
    const now = this.#settings.clock.now()
    await itself.update({
      data: vitals([...this.#running].map(({ name }) => name)),
      ...{ now: new Date(now), expiration: new Date(now + EXPIRES_AFTER_MS), mode: 'run' },
    })
  }

  /** An error of the store is told of, and is no reason to end. */
  readonly #trying = async <T>(call: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await call()
    } catch (error) {
      this.#settings.onError(error)
      return undefined
    }
  }
}
