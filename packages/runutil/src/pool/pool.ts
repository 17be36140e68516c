import type { Logger } from 'pino'
import { offAbort, onAbort } from '../core/abort.ts'
import type { Clock } from '../core/clock.ts'
import { currentClock, currentLogger } from '../core/context.ts'
import { Events } from '../core/events.ts'
import type { Worker } from '../core/worker.ts'
import { Allocation } from './allocation.ts'
import { Crew } from './crew.ts'
import { PoolDestroyedError } from './errors.ts'
import { type PoolSettings, type ProcessPoolOptions, resolveOptions } from './options.ts'
import type { PoolEvents } from './pool-events.ts'
import { Recycling } from './recycling.ts'
import type { Payload } from './relay/payload.ts'
import type { Relay } from './relay/relay.ts'
import { relayFor } from './relays.ts'
import { type ExecOptions, Task } from './task.ts'
import { encodeTask } from './worker/assignment.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

/** new ─► starting ─► running ─► ending, which is final.  A start that fails leads back to `new`. */
type Phase = 'new' | 'starting' | 'running' | 'ending'

/**
 * Processes, in any language, that each answer one payload at a time (seed 003). One that dies is replaced; the task
 * that it ran is rejected, and never run a second time.
 *
 * @example
 * const pool = new ProcessPool({ command: ['php', 'worker.php'], numWorkers: 4 })
 * await pool.start()
 * const { body } = await pool.exec('hello')
 * await pool.destroy()
 */
export class ProcessPool implements Worker {
  readonly #settings: PoolSettings
  readonly #events = new Events<PoolEvents>()
  readonly #relay: Relay
  readonly #crew: Crew
  readonly #recycling: Recycling
  readonly #allocation: Allocation
  #phase: Phase = 'new'
  #started: Promise<void> | undefined
  #destroyed: Promise<void> | undefined
  #leave: () => void = () => {}
  readonly #over = new Promise<void>((resolve) => (this.#leave = resolve))
  /** The last reset, until its new workers are up. */
  #resetting: Promise<unknown> = Promise.resolve()
  #clock: Clock = currentClock()
  #logger: Logger = currentLogger()

  /** @throws InvalidArgumentError, InvalidDurationError */
  constructor(options: ProcessPoolOptions) {
    const settings = resolveOptions(options)
    const clock = (): Clock => this.#clock
    const crew = (): Crew => this.#crew
    this.#settings = settings
    this.#relay = relayFor(settings, clock)
    this.#allocation = new Allocation({ settings, clock, crew, recycling: () => this.#recycling })
    this.#crew = new Crew({
      settings,
      clock,
      relay: this.#relay,
      logger: () => this.#logger,
      events: this.#events,
      onFree: (worker) => this.#allocation.offer(worker),
    })
    this.#recycling = new Recycling({
      settings,
      clock,
      workers: () => this.#crew.workers,
      replace: (worker, reason) => this.#crew.replace(worker, reason),
      dismiss: (worker, reason) => this.#crew.dismiss(worker, reason),
    })
  }

  /** The workers that take tasks: neither those on their way nor those that are leaving. */
  get workers(): readonly WorkerProcess[] {
    return this.#crew.workers
  }

  /**
   * Calls `listener` with each event of that name; what is returned takes it off again. `created` comes when a worker
   * is ready, `destruct`, once for each of them, before it is told to stop or when it was found dead, `error` when one
   * broke or didn't come up. An `error` that nobody hears is only logged.
   */
  on<N extends keyof PoolEvents>(event: N, listener: (...args: PoolEvents[N]) => void): () => void {
    return this.#events.on(event, listener)
  }

  /**
   * Resolves when all workers are up; rejects as soon as one fails, when nothing is left of the others. What runs in a
   * group takes the group's clock and logger from here. Called again, it is the same start.
   *
   * @throws HandshakeError, SpawnError, WorkerError, PoolDestroyedError
   */
  start(): Promise<void> {
    if (this.#phase === 'ending') return Promise.reject(new PoolDestroyedError())
    return (this.#started ??= this.#start())
  }

  /**
   * Has a worker do a task. Before `start` it waits for it; `allocateTimeout` covers all of the wait.
   *
   * @throws JobError the task failed; WorkerError its worker broke, and the task may have had effects;
   * AllocateTimeoutError, QueueFullError, PoolDestroyedError, EmptyPayloadError, PayloadTooLargeError and
   * InvalidArgumentError it was not begun; TaskTimeoutError; the signal's reason
   */
  exec(payload: Payload | Uint8Array | string, options?: ExecOptions): Promise<Payload> {
    return new Promise((resolve, reject) => {
      if (this.#phase === 'ending') throw new PoolDestroyedError()
      const encoded = encodeTask(this.#settings, payload)
      this.#allocation.submit(new Task(this.#allocation, encoded, resolve, reject, options))
    })
  }

  /**
   * Replaces all workers: the new ones come up first, then the old ones go, each after its task. Resolves when they are
   * gone. Rejects, and the old ones stay, if one of the new ones fails. Resets run one after another.
   *
   * @throws HandshakeError, SpawnError, WorkerError, PoolDestroyedError
   */
  async reset(): Promise<void> {
    if (this.#phase === 'new') return
    await this.start()
    const renewal = this.#resetting.then(() => this.#crew.renew())
    this.#resetting = Promise.allSettled([renewal])
    const old = await renewal
    await Promise.all(old.map((worker) => worker.wait()))
  }

  /**
   * Replaces one worker, after the task that it runs.
   *
   * @returns false when it is leaving already
   */
  remove(worker: WorkerProcess, reason: string): boolean {
    return this.#crew.replace(worker, reason)
  }

  /**
   * Rejects what waits, lets running tasks end and stops the workers; what still runs after `destroyTimeout` is killed.
   * Resolves when no process is left. The pool can't be started again.
   */
  destroy(): Promise<void> {
    return (this.#destroyed ??= this.#destroy())
  }

  /**
   * Starts the pool, keeps it up and destroys it when the signal aborts: so a pool goes into a list of workers.
   * @throws what `start` throws
   */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    this.#logger = currentLogger()
    if (this.#phase === 'ending') throw new PoolDestroyedError()
    const stop = (): void => void this.destroy()
    onAbort(signal, stop)
    try {
      await this.start()
      await this.#over
    } catch (error) {
      if (!(error instanceof PoolDestroyedError)) throw error
    } finally {
      offAbort(signal, stop)
    }
    await this.destroy()
  }

  async #start(): Promise<void> {
    this.#phase = 'starting'
    this.#clock = currentClock()
    this.#logger = currentLogger()
    try {
      await this.#relay.open()
      await this.#crew.start(this.#settings.numWorkers)
      if (this.#phase !== 'starting') throw new PoolDestroyedError()
      this.#phase = 'running'
      this.#recycling.start()
    } catch (error) {
      await this.#relay.close()
      if (this.#phase === 'starting') {
        this.#phase = 'new'
        this.#started = undefined
        this.#allocation.rejectWaiting(error as Error)
      }
      throw error
    }
  }

  async #destroy(): Promise<void> {
    this.#phase = 'ending'
    this.#leave()
    this.#allocation.rejectWaiting(new PoolDestroyedError())
    this.#recycling.stop()
    await this.#crew.end()
    // A start that was under way fails now, and closes what it opened.
    await this.#started?.catch(() => {})
    await this.#relay.close()
  }
}
