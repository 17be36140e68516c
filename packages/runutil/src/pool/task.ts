import { offAbort, onAbort } from '../core/abort.ts'
import { AsyncScope } from '../core/async-scope.ts'
import type { Clock, Timer } from '../core/clock.ts'
import { type Duration, toMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { TaskTimeoutError, type WorkerError } from './errors.ts'
import type { Message, PayloadMessage } from './relay/message-reader.ts'
import type { Payload } from './relay/payload.ts'
import type { Encoded } from './relay/protocol.ts'
import { AnswerParts } from './worker/answer-parts.ts'
import { type Assignment, settle } from './worker/assignment.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

export interface ExecOptions {
  /** Rejects with its reason. A task that runs takes its worker with it: it can't be cancelled inside. */
  signal?: AbortSignal | undefined
  /** How long the task may run, from when it was given to a worker. Default: the pool's `execTimeout`. */
  timeout?: Duration | undefined
  /** Called with what the handler of a `serve` worker reports. Other workers report nothing. */
  onProgress?: ((value: unknown) => void) | undefined
}

export interface TaskOwner {
  /** The most bytes of an answer. */
  readonly maxFrame: number
  /** How long a task may run that has no `timeout`. */
  readonly execMs: number | undefined
  answered(task: Task, worker: WorkerProcess, message: Message): void
  /** It was aborted or timed out; it is settled, and no longer of interest. @param worker that runs it */
  givenUp(task: Task, worker: WorkerProcess | undefined, why: string): void
  /** Its worker has ended before it began it. */
  handedBack(task: Task): void
}

/** Who waits for the answer. */
export interface TaskCaller {
  readonly resolve: (payload: Payload) => void
  readonly reject: (error: unknown) => void
  /** Takes the parts of the answer as they come; without it they are joined. */
  readonly part?: (part: PayloadMessage) => void
}

/** A task from exec to its answer. Settled once, whatever comes first. */
export class Task implements Assignment {
  readonly encoded: Encoded
  readonly #owner: TaskOwner
  readonly #caller: TaskCaller
  readonly #signal: AbortSignal | undefined
  readonly #timeoutMs: number | undefined
  readonly #onProgress: ((value: unknown) => void) | undefined
  #onAbort: (() => void) | undefined
  #timer: Timer | undefined
  #worker: WorkerProcess | undefined
  #parts: AnswerParts | undefined
  #hasParts = false
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
  constructor(owner: TaskOwner, encoded: Encoded, caller: TaskCaller, options: ExecOptions | undefined) {
    this.#owner = owner
    this.encoded = encoded
    this.#caller = caller
    this.#timeoutMs = owner.execMs
    if (options === undefined) return
    const { signal, timeout, onProgress } = checkOptions('exec', options, KNOWN)
    this.#signal = signal
    if (timeout !== undefined) this.#timeoutMs = toMs(timeout, 'exec: timeout')
    if (onProgress !== undefined && typeof onProgress !== 'function') {
      throw unexpected('exec: onProgress', 'a function (value) => void', onProgress)
    }
    if (onProgress !== undefined) {
      const stores = new AsyncScope()
      // Its worker may have been started for another's task.
      this.#onProgress = (value) => stores.run(() => onProgress(value))
    }
    if (signal === undefined) return
    if (!(signal instanceof AbortSignal)) throw unexpected('exec: signal', 'an AbortSignal', signal)
    this.#onAbort = () => this.#giveUp(signal.reason, 'its task was aborted')
    onAbort(signal, this.#onAbort)
  }

  get settled(): boolean {
    return this.#settled
  }

  /** A stream has its worker for itself: it may be ended early, and what was sent behind it would be read as that end. */
  get exclusive(): boolean {
    return this.#caller.part !== undefined
  }

  /** Whether a part of its answer has come. */
  get hasParts(): boolean {
    return this.#hasParts
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

  part(message: PayloadMessage): void {
    this.#hasParts = true
    if (this.#settled) return
    if (this.#caller.part !== undefined) this.#caller.part(message)
    else (this.#parts ??= new AnswerParts(this.#owner.maxFrame)).add(message)
  }

  progress(value: unknown): void {
    if (this.#settled || this.#onProgress === undefined) return
    try {
      this.#onProgress(value)
    } catch (error) {
      // As a listener's: the process hears of it, the worker and its task go on.
      queueMicrotask(() => {
        throw error
      })
    }
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

  handedBack(): void {
    this.#worker = undefined
    this.#timer?.clear()
    if (!this.#settled) this.#owner.handedBack(this)
  }

  settle(message: Message): void {
    if (!this.#end()) return
    try {
      const whole = this.#parts?.whole(message) ?? message
      settle(whole, this.#caller.resolve, this.#caller.reject)
    } catch (error) {
      this.#caller.reject(error)
    }
  }

  reject(error: unknown): void {
    if (this.#end()) this.#caller.reject(error)
  }

  /** For a stream: lets its worker wait while nobody reads, or go on. */
  hold(held: boolean): void {
    this.#worker?.hold(held)
  }

  /** For a stream that nobody reads any more. */
  leave(): void {
    if (!this.#end()) return
    const worker = this.#worker
    if (worker !== undefined && this.#hasParts && worker.endStream()) return
    this.#owner.givenUp(this, worker, 'its stream was left before its end')
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

const KNOWN = ['signal', 'timeout', 'onProgress'] as const
