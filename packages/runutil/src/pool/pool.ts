import { workerKind } from '../core/worker-kind.ts'
import { workerReady } from '../core/worker-ready.ts'
import { offAbort, onAbort } from '../core/abort.ts'
import { Events } from '../core/events.ts'
import { healthReporter } from '../core/health.ts'
import { AsyncScope } from '../core/async-scope.ts'
import { LeavableGenerator } from '../core/leavable-generator.ts'
import type { Worker } from '../core/worker.ts'
import { Allocation } from './allocation.ts'
import { AnswerStream } from './answer-stream.ts'
import { PoolDestroyedError, UnsupportedPlatformError } from './errors.ts'
import { Lifecycle } from './lifecycle.ts'
import { type PoolSettings, type ProcessPoolOptions, resolveOptions } from './options.ts'
import { PoolContext } from './pool-context.ts'
import type { PoolEvents } from './pool-events.ts'
import type { PoolStats } from './pool-stats.ts'
import { processDetail } from './process-detail.ts'
import type { Encoded } from './relay/encoding.ts'
import type { Payload } from './relay/payload.ts'
import { type CallHandlers, type InputOf, type ResultOf, decodeResult, encodeCall } from './typed-calls.ts'
import { encodeTask } from './worker/encode-task.ts'
import type { ExecOptions } from './worker/exec-options.ts'
import { Task, type TaskCaller } from './worker/task.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

/**
 * A pool of processes, in any language, that each answer one payload at a time. A worker that dies is replaced; the task that it
 * was running is rejected, and never run again.
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
  readonly #allocation: Allocation
  readonly #lifecycle: Lifecycle
  /** The last reset; settles when its new workers are up. */
  #resetting: Promise<unknown> = Promise.resolve()

  /** @throws InvalidArgumentError, InvalidDurationError; UnsupportedPlatformError on Windows */
  constructor(options: ProcessPoolOptions) {
    if (process.platform === 'win32') throw new UnsupportedPlatformError(process.platform)
    const settings = resolveOptions(options)
    const context = new PoolContext(new AsyncScope())
    const allocation = new Allocation(settings, context)
    this.#settings = settings
    this.#allocation = allocation
    this.#lifecycle = new Lifecycle({ settings, events: this.#events, allocation, context })
  }

  /** The workers that take tasks, without those that are starting or draining. */
  get workers(): readonly WorkerProcess[] {
    return this.#lifecycle.workers?.active ?? []
  }

  /** How many tasks and workers there are at this moment. */
  stats(): PoolStats {
    const active = this.#lifecycle.workers?.active ?? []
    const running = active.reduce((sum, { inFlight }) => sum + inFlight, 0)
    return { waiting: this.#allocation.waiting, running, workers: active.length }
  }

  /**
   * Calls `listener` with each event of that name; the returned function removes it. `created`: a worker is ready. `destruct`:
   * a created worker is about to be stopped, or was found dead; once for each. `error`: a worker broke or failed to start.
   * An `error` without a listener is only logged.
   */
  on<N extends keyof PoolEvents>(event: N, listener: (...args: PoolEvents[N]) => void): () => void {
    return this.#events.on(event, listener)
  }

  /**
   * Resolves when all workers are up; rejects when one fails, after the others have ended. In a group, the pool takes the
   * group's clock and logger from here. Calling it again returns the same start.
   *
   * @throws HandshakeError, SpawnError, WorkerError, PoolDestroyedError
   */
  start(): Promise<void> {
    return this.#lifecycle.start()
  }

  /**
   * Runs a task on a worker. Before `start`, the task waits for the start; `allocateTimeout` covers the whole wait.
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
   * As exec, but yields the parts of an answer as they arrive, where the protocol has parts (goridge 3); elsewhere yields the
   * whole answer. The task is submitted when iteration starts. A slow reader pauses the worker. If the reader stops early,
   * the worker is asked to end the stream, and replaced if it doesn't.
   *
   * @throws as exec, from the iteration
   */
  stream(
    payload: Payload | Uint8Array | string,
    options?: ExecOptions,
  ): AsyncGenerator<Payload, void, undefined> {
    const answer = new AnswerStream()
    return new LeavableGenerator(this.#parts(answer, payload, options), () => answer.leave())
  }

  async *#parts(
    answer: AnswerStream,
    payload: Payload | Uint8Array | string,
    options?: ExecOptions,
  ): AsyncGenerator<Payload, void, undefined> {
    yield* answer.read(this.#submit(encodeTask(this.#settings, payload), answer.caller, options))
  }

  /**
   * Calls a handler by name in a worker whose module calls `serve({ name: handler })`; input and result are JSON.
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
   * Replaces all workers: starts new workers, then stops the old ones, each after its task. Resolves when the old workers have
   * ended. If a new worker fails to start, rejects and keeps the old workers. Resets run one after another.
   *
   * @throws HandshakeError, SpawnError, WorkerError, PoolDestroyedError
   */
  async reset(): Promise<void> {
    if (this.#lifecycle.isNew) return
    await this.start()
    const renewal = this.#resetting.then(() => this.#lifecycle.workers!.renew())
    this.#resetting = Promise.allSettled([renewal])
    const old = await renewal
    await Promise.all(old.map((worker) => worker.wait()))
  }

  /**
   * Replaces one worker, after the task that it runs.
   *
   * @returns false when it is already leaving
   */
  remove(worker: WorkerProcess, reason: string): boolean {
    return this.#lifecycle.workers?.replace(worker, reason) ?? false
  }

  /**
   * Rejects waiting tasks, lets running tasks end and stops the workers; kills workers still running after `destroyTimeout`.
   * Resolves when no process is left. The pool can be neither started nor run again.
   */
  destroy(): Promise<void> {
    return this.#lifecycle.destroy()
  }

  /** As destroy: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.destroy()
  }

  /**
   * Starts the pool, keeps it up, and stops it as `destroy` does when the signal aborts, so that a pool can be an entry of a list
   * of workers. Unlike a destroyed pool it can be run again, which starts new processes.
   *
   * @throws what `start` throws
   */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const lifecycle = this.#lifecycle
    if (lifecycle.isEnding) {
      await lifecycle.stop()
      if (signal.aborted) return
    }
    lifecycle.reopen()
    lifecycle.runsHere({
      isIdle: () => this.#isIdle,
      describe: () => this.#detail,
      reset: () => this.reset(),
    })
    const stop = (): void => void lifecycle.stop()
    onAbort(signal, stop)
    const unwatch = this.#watchHealth()
    try {
      await this.start()
      workerReady()
      await lifecycle.over
    } catch (error) {
      if (!(error instanceof PoolDestroyedError)) throw error
    } finally {
      unwatch()
      offAbort(signal, stop)
    }
    await lifecycle.stop()
  }

  get #detail(): object {
    return { ...this.stats(), processes: this.workers.map(processDetail) }
  }

  get #isIdle(): boolean {
    return this.#allocation.waiting === 0 && this.workers.every(({ state }) => state !== 'working')
  }

  /** Reports 'ok' once a worker is up, and 'firing' from when a worker breaks or fails to start until the next one is up. */
  #watchHealth(): () => void {
    const report = healthReporter()
    const offs = [this.on('created', () => report()), this.on('error', (error) => report(error))]
    return () => offs.forEach((off) => off())
  }

  #submit(encoded: Encoded, caller: TaskCaller, options: ExecOptions | undefined): Task {
    const { refusal } = this.#lifecycle
    if (refusal !== undefined) throw refusal
    this.#lifecycle.taskSubmitted()
    const task = new Task(this.#settings, encoded, caller, options)
    this.#allocation.submit(task)
    return task
  }
}
