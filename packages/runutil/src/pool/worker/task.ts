import { offAbort, onAbort } from '../../core/abort.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import { JobError, TaskTimeoutError } from '../errors.ts'
import type { Encoded } from '../relay/encoding.ts'
import type { Message, PayloadMessage } from '../relay/message-reader.ts'
import { type Payload, payloadOf } from '../relay/payload.ts'
import { AnswerParts } from './answer-parts.ts'
import { type CheckedExecOptions, type ExecOptions, NO_OPTIONS, checkExecOptions } from './exec-options.ts'

export interface TaskLimits {
  /** The most bytes of an answer. */
  readonly maxFrame: number
  /** How long a task may run that has no `timeout`. */
  readonly execMs: number | undefined
}

/** The caller that waits for the answer. */
export interface TaskCaller {
  readonly resolve: (payload: Payload) => void
  readonly reject: (error: unknown) => void
  /** Takes the parts of the answer as they come; without it they are joined. */
  readonly part?: (part: PayloadMessage) => void
}

/** Who has a task that is not settled: the queue of those that wait, or a worker. */
export interface TaskHolder {
  /** It was aborted, timed out or left: it is settled, and no longer of interest. */
  abandon(task: Task, why: string): void
  /** Whether the worker that sends its parts should wait. */
  hold(held: boolean): void
  /** Has the worker end the stream that it is sending. @returns false if it can't be told to */
  endStream(): boolean
}

/** A task from exec to its answer. Settled once, whatever comes first. */
export class Task {
  readonly encoded: Encoded
  readonly #limits: TaskLimits
  readonly #caller: TaskCaller
  readonly #options: CheckedExecOptions
  #onAbort: (() => void) | undefined
  #timer: Timer | undefined
  #parts: AnswerParts | undefined
  #hasParts = false
  #begun = false
  #settled = false
  holder: TaskHolder | undefined
  /** Whether it is for one worker alone, and rejected where that one doesn't do it. */
  bound = false
  /** How many workers in a row asked to be replaced instead of doing it. */
  stops = 0
  /** The latest time to get a worker, on the scale of `clock.elapsed()`. */
  deadline = 0
  /** Its position among the waiting tasks. */
  waiting = false
  before: Task | undefined
  after: Task | undefined

  /** @throws InvalidDurationError, InvalidArgumentError */
  constructor(limits: TaskLimits, encoded: Encoded, caller: TaskCaller, options?: ExecOptions) {
    this.#limits = limits
    this.encoded = encoded
    this.#caller = caller
    this.#options = options === undefined ? NO_OPTIONS : checkExecOptions(options)
    const { signal } = this.#options
    if (signal === undefined) return
    this.#onAbort = () => this.#giveUp(signal.reason, 'its task was aborted')
    onAbort(signal, this.#onAbort)
  }

  get settled(): boolean {
    return this.#settled
  }

  /** Whether its worker has come to it: what was sent ahead has not begun. */
  get begun(): boolean {
    return this.#begun
  }

  /** A stream has its worker for itself: it may be ended early, and what was sent behind it would be read as that end. */
  get exclusive(): boolean {
    return this.#caller.part !== undefined
  }

  /** Whether a part of its answer has come. */
  get hasParts(): boolean {
    return this.#hasParts
  }

  /** The worker has come to it: by now, or once it has answered what it was sent before. */
  begin(clock: Clock): void {
    this.#begun = true
    const timeoutMs = this.#options.timeoutMs ?? this.#limits.execMs
    if (timeoutMs === undefined || this.#settled) return
    const late = (): void => this.#giveUp(new TaskTimeoutError(timeoutMs), 'its task timed out')
    this.#timer = clock.setTimeout(late, timeoutMs)
  }

  /** Its worker has answered it, or will never begin it. */
  release(): void {
    this.holder = undefined
    this.#begun = false
    this.#timer?.clear()
  }

  /** A part of the answer; others follow. @throws OversizedFrameError when they are too much together */
  part(message: PayloadMessage): void {
    this.#hasParts = true
    if (this.#settled) return
    if (this.#caller.part !== undefined) this.#caller.part(message)
    else (this.#parts ??= new AnswerParts(this.#limits.maxFrame)).add(message)
  }

  progress(value: unknown): void {
    const { onProgress } = this.#options
    if (this.#settled || onProgress === undefined) return
    try {
      onProgress(value)
    } catch (error) {
      // As a listener's: the process hears of it, the worker and its task go on.
      queueMicrotask(() => {
        throw error
      })
    }
  }

  settle(message: Message): void {
    if (!this.#end()) return
    try {
      const whole = this.#parts?.whole(message) ?? message
      if (whole.kind === 'payload') this.#caller.resolve(payloadOf(whole.context, whole.body))
      else this.#caller.reject(new JobError(whole.data))
    } catch (error) {
      this.#caller.reject(error)
    }
  }

  reject(error: unknown): void {
    if (this.#end()) this.#caller.reject(error)
  }

  /** For a stream: lets its worker wait while nobody reads, or go on. */
  hold(held: boolean): void {
    this.holder?.hold(held)
  }

  /** For a stream that nobody reads any more. */
  leave(): void {
    if (!this.#end()) return
    if (this.#hasParts && this.holder?.endStream()) return
    this.holder?.abandon(this, 'its stream was left before its end')
  }

  #giveUp(reason: unknown, why: string): void {
    this.reject(reason)
    this.holder?.abandon(this, why)
  }

  /** Whether this was the first end. */
  #end(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#timer?.clear()
    if (this.#onAbort !== undefined) offAbort(this.#options.signal, this.#onAbort)
    return true
  }
}
