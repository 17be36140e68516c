import { offAbort, onAbort } from '../../core/abort.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import { JobError, TaskTimeoutError } from '../errors.ts'
import type { Encoded } from '../relay/encoding.ts'
import type { Message, PayloadMessage } from '../relay/message.ts'
import { type Payload, payloadOf } from '../relay/payload.ts'
import { AnswerParts } from './answer-parts.ts'
import { type CheckedExecOptions, type ExecOptions, NO_OPTIONS, checkExecOptions } from './exec-options.ts'

export interface TaskLimits {
  /** The most bytes of an answer. */
  readonly maxFrame: number
  /** How long a task without its own `timeout` may run. */
  readonly execMs: number | undefined
}

/** The caller that waits for the answer. */
export interface TaskCaller {
  readonly resolve: (payload: Payload) => void
  readonly reject: (error: unknown) => void
  /** Receives the parts of the answer as they arrive; without it they are joined. */
  readonly part?: (part: PayloadMessage) => void
}

/** The holder of an unsettled task: the queue of waiting tasks, or a worker. */
export interface TaskHolder {
  /** The task was aborted, timed out or lost its reader; it is settled. */
  abandon(task: Task, why: string): void
  /** Whether the worker that sends its parts should wait. */
  hold(held: boolean): void
  /** Asks the worker to end the stream that it is sending. @returns false if the worker can't be asked */
  endStream(): boolean
}

const HAS_PARTS = 1
const BEGUN = 2
const SETTLED = 4

/** A task from exec to its answer. Settled once, by the first outcome. */
export class Task {
  readonly encoded: Encoded
  readonly #limits: TaskLimits
  readonly #caller: TaskCaller
  readonly #options: CheckedExecOptions
  #onAbort: (() => void) | undefined
  #timer: Timer | undefined
  #parts: AnswerParts | undefined
  /** Of HAS_PARTS, BEGUN and SETTLED: there is a Task for each call, and smaller ones are made faster. */
  #flags = 0
  holder: TaskHolder | undefined
  /** Whether the task is bound to one worker, and rejected if that worker doesn't perform it. */
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
    return (this.#flags & SETTLED) !== 0
  }

  /** Whether the worker has reached this task; a task sent ahead has not begun. */
  get begun(): boolean {
    return (this.#flags & BEGUN) !== 0
  }

  /** A stream has its worker exclusively: a message sent behind it would be read as a request to end it early. */
  get exclusive(): boolean {
    return this.#caller.part !== undefined
  }

  /** Whether a part of its answer has come. */
  get hasParts(): boolean {
    return (this.#flags & HAS_PARTS) !== 0
  }

  /** Called when the worker reaches this task: when sent, or once the tasks before it are answered. */
  begin(clock: Clock): void {
    this.#flags |= BEGUN
    const timeoutMs = this.#options.timeoutMs ?? this.#limits.execMs
    if (timeoutMs === undefined || this.settled) return
    const late = (): void => this.#giveUp(new TaskTimeoutError(timeoutMs), 'its task timed out')
    this.#timer = clock.setTimeout(late, timeoutMs)
  }

  /** Called when the worker has answered this task, or will never start it. */
  release(): void {
    this.holder = undefined
    this.#flags &= ~BEGUN
    this.#timer?.clear()
  }

  /** Takes a part of the answer; others follow. @throws OversizedFrameError when all parts together are too large */
  part(message: PayloadMessage): void {
    this.#flags |= HAS_PARTS
    if (this.settled) return
    if (this.#caller.part !== undefined) this.#caller.part(message)
    else (this.#parts ??= new AnswerParts(this.#limits.maxFrame)).add(message)
  }

  progress(value: unknown): void {
    const { onProgress } = this.#options
    if (this.settled || onProgress === undefined) return
    try {
      onProgress(value)
    } catch (error) {
      // As for event listeners: the error goes to the process, the worker and its task go on.
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

  /** For a stream: pauses the worker while the reader is slow, or resumes it. */
  hold(held: boolean): void {
    this.holder?.hold(held)
  }

  /** Called when a stream's reader has stopped. */
  leave(): void {
    if (!this.#end()) return
    if (this.hasParts && this.holder?.endStream()) return
    this.holder?.abandon(this, 'its stream was left before its end')
  }

  #giveUp(reason: unknown, why: string): void {
    this.reject(reason)
    this.holder?.abandon(this, why)
  }

  /** @returns whether this was the first outcome */
  #end(): boolean {
    if (this.settled) return false
    this.#flags |= SETTLED
    this.#timer?.clear()
    if (this.#onAbort !== undefined) offAbort(this.#options.signal, this.#onAbort)
    return true
  }
}
