import { offAbort, onAbort } from '../core/abort.ts'
import type { Clock, Timer } from '../core/clock.ts'
import { type Duration, toMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { TaskTimeoutError, type WorkerError } from './errors.ts'
import type { Message } from './relay/message-reader.ts'
import type { Payload } from './relay/payload.ts'
import type { Encoded } from './relay/protocol.ts'
import { type Assignment, settle } from './worker/assignment.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

export interface ExecOptions {
  /** Rejects with its reason. A task that runs takes its worker with it: it can't be cancelled inside. */
  signal?: AbortSignal | undefined
  /** How long the task may run, from when it was given to a worker. Default: no limit. */
  timeout?: Duration | undefined
}

export interface TaskOwner {
  answered(task: Task, worker: WorkerProcess, message: Message): void
  /** It was aborted or timed out; it is settled, and no longer of interest. @param worker that runs it */
  givenUp(task: Task, worker: WorkerProcess | undefined, why: string): void
}

/** A task from exec to its answer. Settled once, whatever comes first. */
export class Task implements Assignment {
  readonly encoded: Encoded
  readonly #owner: TaskOwner
  readonly #resolve: (payload: Payload) => void
  readonly #reject: (error: unknown) => void
  readonly #signal: AbortSignal | undefined
  readonly #timeoutMs: number | undefined
  #onAbort: (() => void) | undefined
  #timer: Timer | undefined
  #worker: WorkerProcess | undefined
  #begun = false
  #settled = false
  /** How many workers in a row asked to be replaced instead of doing it. */
  stops = 0
  /** By when it must have a worker, on the scale of `clock.elapsed()`. */
  deadline = 0
  /** Its place among the waiting. */
  waiting = false
  before: Task | undefined
  after: Task | undefined

  /** @throws InvalidDurationError, InvalidArgumentError */
  constructor(
    owner: TaskOwner,
    encoded: Encoded,
    resolve: (payload: Payload) => void,
    reject: (error: unknown) => void,
    options: ExecOptions | undefined,
  ) {
    this.#owner = owner
    this.encoded = encoded
    this.#resolve = resolve
    this.#reject = reject
    if (options === undefined) return
    const { signal, timeout } = checkOptions('exec', options, ['signal', 'timeout'])
    this.#signal = signal
    this.#timeoutMs = timeout === undefined ? undefined : toMs(timeout, 'exec: timeout')
    if (signal === undefined) return
    if (!(signal instanceof AbortSignal)) throw unexpected('exec: signal', 'an AbortSignal', signal)
    this.#onAbort = () => this.#giveUp(signal.reason, 'its task was aborted')
    onAbort(signal, this.#onAbort)
  }

  get settled(): boolean {
    return this.#settled
  }

  /** Is `worker`'s from now on. */
  run(worker: WorkerProcess): void {
    this.#worker = worker
    this.#begun = false
    worker.perform(this)
  }

  begin(clock: Clock): void {
    this.#begun = true
    const timeoutMs = this.#timeoutMs
    if (timeoutMs === undefined || this.#settled) return
    const late = (): void => this.#giveUp(new TaskTimeoutError(timeoutMs), 'its task timed out')
    this.#timer = clock.setTimeout(late, timeoutMs)
  }

  answered(message: Message): void {
    const worker = this.#worker!
    this.#worker = undefined
    this.#timer?.clear()
    this.#owner.answered(this, worker, message)
  }

  failed(error: WorkerError): void {
    this.reject(error)
  }

  settle(message: Message): void {
    if (this.#end()) settle(message, this.#resolve, this.#reject)
  }

  reject(error: unknown): void {
    if (this.#end()) this.#reject(error)
  }

  #giveUp(reason: unknown, why: string): void {
    // Of one that was sent ahead, the answer is dropped when it comes.
    const worker = this.#begun ? this.#worker : undefined
    this.reject(reason)
    this.#owner.givenUp(this, worker, why)
  }

  /** Whether this was the first end. */
  #end(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#timer?.clear()
    if (this.#onAbort !== undefined) offAbort(this.#signal, this.#onAbort)
    return true
  }
}
