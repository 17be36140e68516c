import { workerKind } from '../core/worker-kind.ts'
import { workerReady } from '../core/worker-ready.ts'
import type { Logger } from 'pino'
import { offAbort, onAbort } from '../core/abort.ts'
import type { Clock } from '../core/clock.ts'
import { currentClock, currentLogger } from '../core/context.ts'
import { Events } from '../core/events.ts'
import { healthReporter } from '../core/health.ts'
import { log } from '../core/log.ts'
import type { Worker } from '../core/worker.ts'
import { Allocation } from './allocation.ts'
import { AnswerStream } from './answer-stream.ts'
import { Crew } from './crew.ts'
import { PoolDestroyedError, UnsupportedPlatformError } from './errors.ts'
import { type PoolSettings, type ProcessPoolOptions, resolveOptions } from './options.ts'
import { Pings } from './pings.ts'
import type { PoolEvents } from './pool-events.ts'
import { Recycling } from './recycling.ts'
import type { Payload } from './relay/payload.ts'
import type { Encoded } from './relay/protocol.ts'
import type { Relay } from './relay/relay.ts'
import { relayFor } from './relays.ts'
import { type ExecOptions, Task, type TaskCaller } from './task.ts'
import { type CallHandlers, type InputOf, type ResultOf, decodeResult, encodeCall } from './typed-calls.ts'
import { encodeTask } from './worker/assignment.ts'
import { atExit } from './worker/at-exit.ts'
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
export class ProcessPool<Calls extends CallHandlers = CallHandlers> implements Worker {
  readonly [workerKind] = 'pool'
  readonly #settings: PoolSettings
  readonly #events = new Events<PoolEvents>()
  readonly #relay: Relay
  readonly #crew: Crew
  readonly #recycling: Recycling
  readonly #pings: Pings
  #takeBack: () => void = () => {}
  readonly #allocation: Allocation
  #phase: Phase = 'new'
  /** Why the last start failed, until the next. */
  #startFailure: Error | undefined
  #started: Promise<void> | undefined
  #destroyed: Promise<void> | undefined
  #leave: () => void = () => {}
  readonly #over = new Promise<void>((resolve) => (this.#leave = resolve))
  /** The last reset, until its new workers are up. */
  #resetting: Promise<unknown> = Promise.resolve()
  #clock: Clock = currentClock()
  #logger: Logger = currentLogger()

  /** @throws InvalidArgumentError, InvalidDurationError; UnsupportedPlatformError on Windows */
  constructor(options: ProcessPoolOptions) {
    if (process.platform === 'win32') throw new UnsupportedPlatformError(process.platform)
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
    this.#pings = new Pings({ ...settings, clock, workers: () => this.#crew.workers })
    this.#recycling = new Recycling({
      settings,
      clock,
      workers: () => this.#crew.workers,
      replace: (worker, reason) => this.#crew.replace(worker, reason),
      succeed: (worker, reason) => this.#crew.succeed(worker, reason),
      dismiss: (worker, reason) => this.#crew.dismiss(worker, reason),
    })
  }

  /** The workers that take tasks: neither those on their way nor those that are leaving. */
  get workers(): readonly WorkerProcess[] {
    return this.#crew.workers
  }

  /** How many tasks and workers there are at this moment. */
  stats(): PoolStats {
    const running = this.workers.reduce((sum, { inFlight }) => sum + inFlight, 0)
    return { waiting: this.#allocation.waiting, running, workers: this.workers.length }
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
      const encoded = encodeTask(this.#settings, payload)
      this.#submit(encoded, { resolve, reject }, options)
    })
  }

  /**
   * As exec, and gives the parts of an answer as they come, where the protocol has them (goridge 3); elsewhere the one
   * answer. Begins when it is read. A worker waits for a reader that is slower. One that leaves early has the worker end
   * the stream; a worker that doesn't is replaced.
   *
   * @throws as exec, from the iteration
   */
  async *stream(
    payload: Payload | Uint8Array | string,
    options?: ExecOptions,
  ): AsyncGenerator<Payload, void, undefined> {
    const answer = new AnswerStream()
    yield* answer.read(this.#submit(encodeTask(this.#settings, payload), answer.caller, options))
  }

  /**
   * Has a worker whose module calls `serve({ name: handler })` call one of them: its input and what it returns are JSON.
   *
   * @throws as exec; JobError also when there is no handler of that name
   */
  async call<N extends keyof Calls & string>(
    name: N,
    input: InputOf<Calls[N]>,
    options?: ExecOptions,
  ): Promise<ResultOf<Calls[N]>> {
    return decodeResult(await this.exec(encodeCall(name, input), options)) as ResultOf<Calls[N]>
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

  /** As destroy: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.destroy()
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
    const unwatch = this.#watchHealth()
    try {
      await this.start()
      workerReady()
      await this.#over
    } catch (error) {
      if (!(error instanceof PoolDestroyedError)) throw error
    } finally {
      unwatch()
      offAbort(signal, stop)
    }
    await this.destroy()
  }

  /** 'ok' once a worker is up, 'firing' from when one breaks or doesn't come up until the next is. */
  #watchHealth(): () => void {
    const report = healthReporter()
    const offs = [this.on('created', () => report()), this.on('error', (error) => report(error))]
    return () => offs.forEach((off) => off())
  }

  #submit(encoded: Encoded, caller: TaskCaller, options: ExecOptions | undefined): Task {
    if (this.#phase === 'ending') throw new PoolDestroyedError()
    if (this.#startFailure !== undefined) throw this.#startFailure
    const task = new Task(this.#allocation, encoded, caller, options)
    this.#allocation.submit(task)
    return task
  }

  async #start(): Promise<void> {
    this.#phase = 'starting'
    this.#startFailure = undefined
    this.#clock = currentClock()
    this.#logger = currentLogger()
    if (process.pid === 1) log(this.#logger, 'warn', {}, AS_FIRST)
    try {
      await this.#relay.open()
      this.#takeBack = atExit(() => this.#relay.remove())
      await this.#crew.start(this.#settings.numWorkers)
      if (this.#phase !== 'starting') throw new PoolDestroyedError()
      this.#phase = 'running'
      this.#recycling.start()
      this.#pings.start()
    } catch (error) {
      await this.#closeRelay()
      if (this.#phase === 'starting') {
        this.#phase = 'new'
        this.#started = undefined
        this.#startFailure = error as Error
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
    this.#pings.stop()
    await this.#crew.end()
    // A start that was under way fails now, and closes what it opened.
    await this.#started?.catch(() => {})
    await this.#closeRelay()
  }

  async #closeRelay(): Promise<void> {
    await this.#relay.close()
    this.#takeBack()
  }
}

/** How many of each there are at a moment. */
export interface PoolStats {
  /** Tasks that no worker has been given. */
  readonly waiting: number
  /** Tasks that workers were given and haven't answered. */
  readonly running: number
  /** Workers that take tasks. */
  readonly workers: number
}

const AS_FIRST =
  'this process is the first of its container (pid 1): processes that its workers leave behind are reaped by nobody; start the container with an init, as docker run --init does'
