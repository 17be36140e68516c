import { brandError } from '../core/brand.ts'

/** The task failed, as reported by its worker; the worker goes on. */
export class JobError extends Error {
  readonly code = 'ERR_JOB'
  /** The worker's error message as sent. Not enumerable, so that logs don't print it byte by byte. */
  readonly payload: Uint8Array
  static {
    brandError(this, 'JobError')
  }

  constructor(payload: Uint8Array) {
    const text = Buffer.from(payload.buffer, payload.byteOffset, Math.min(payload.length, LONGEST)).toString()
    super(text === '' ? 'the task failed, and its worker did not say why' : text)
    this.payload = payload
    hide(this, 'payload')
  }
}

export interface WorkerFacts {
  pid?: number | undefined
  exitCode?: number | null | undefined
  signal?: NodeJS.Signals | null | undefined
  stderr?: string | undefined
  stdout?: string | undefined
  cause?: unknown
}

/** The worker died, was killed or broke the protocol. Its task may have had effects, so it isn't run again. */
export class WorkerError extends Error {
  readonly code: string = 'ERR_WORKER'
  /** Undefined when it could not be spawned, or is not known. */
  readonly pid: number | undefined
  /** Null when a signal ended the worker, undefined when its end wasn't observed. */
  readonly exitCode: number | null | undefined
  /** Null unless a signal ended the worker, undefined when its end wasn't observed. */
  readonly signal: NodeJS.Signals | null | undefined
  /** The last 64 KiB of the worker's stderr. Not enumerable; the message contains its end. */
  readonly stderr: string
  /** As `stderr`, for stdout; empty where stdout is the relay. */
  readonly stdout: string
  static {
    brandError(this, 'WorkerError')
  }

  constructor(message: string, { pid, exitCode, signal, stderr = '', stdout = '', cause }: WorkerFacts = {}) {
    super(
      message + quoted('stderr', stderr) + quoted('stdout', stdout),
      cause === undefined ? undefined : { cause },
    )
    this.pid = pid
    this.exitCode = exitCode
    this.signal = signal
    this.stderr = stderr
    this.stdout = stdout
    hide(this, 'stderr', 'stdout')
  }
}

/** A new worker didn't answer the handshake, answered with a wrong pid, or ended before answering. */
export class HandshakeError extends WorkerError {
  override readonly code = 'ERR_WORKER_HANDSHAKE'
  static {
    brandError(this, 'HandshakeError')
  }
}

/** The command can't be run. */
export class SpawnError extends WorkerError {
  override readonly code = 'ERR_WORKER_SPAWN'
  readonly command: string
  static {
    brandError(this, 'SpawnError')
  }

  constructor(command: string, cwd: string | undefined, cause: unknown) {
    const where = cwd === undefined ? '' : ` in ${cwd}`
    super(`can't run the command '${command}'${where}: ${(cause as Error).message}`, { cause })
    this.command = command
  }
}

/** No worker became free within `allocateTimeout`. The task was not started. */
export class AllocateTimeoutError extends Error {
  readonly code = 'ERR_ALLOCATE_TIMEOUT'
  /** The stderr of the last worker that broke, if workers can't be replaced. */
  readonly stderr: string
  static {
    brandError(this, 'AllocateTimeoutError')
  }

  constructor(allocateMs: number, workers: number, failure: Error | undefined) {
    const idle = workers === 0 ? 'none is up yet' : 'all are busy'
    const why = failure === undefined ? idle : `the last replacement failed: ${failure.message}`
    super(
      `no worker was free within ${allocateMs} ms (allocateTimeout): ${why}`,
      failure && { cause: failure },
    )
    this.stderr = failure instanceof WorkerError ? failure.stderr : ''
    hide(this, 'stderr')
  }
}

/** A running task took longer than its `timeout`; the worker that ran it was killed. */
export class TaskTimeoutError extends Error {
  readonly code = 'ERR_TASK_TIMEOUT'
  readonly timeoutMs: number
  static {
    brandError(this, 'TaskTimeoutError')
  }

  constructor(timeoutMs: number) {
    super(`the task ran for longer than ${timeoutMs} ms; its worker was killed`)
    this.timeoutMs = timeoutMs
  }
}

/** `maxQueue` tasks are already waiting. */
export class QueueFullError extends Error {
  readonly code = 'ERR_QUEUE_FULL'
  readonly maxQueue: number
  static {
    brandError(this, 'QueueFullError')
  }

  constructor(maxQueue: number) {
    super(`${maxQueue} tasks are already waiting for a worker (maxQueue)`)
    this.maxQueue = maxQueue
  }
}

/** The pool is destroyed, or its run has ended. The task was not started. */
export class PoolDestroyedError extends Error {
  readonly code = 'ERR_POOL_DESTROYED'
  static {
    brandError(this, 'PoolDestroyedError')
  }

  /** @param isFinal whether the pool can't be run again */
  constructor(isFinal = true) {
    super(
      isFinal
        ? 'the pool is destroyed: it takes no more tasks'
        : 'the pool was stopped: it takes no tasks until it is run again',
    )
  }
}

/** `worker.exec` while the worker isn't ready for a task. */
export class WorkerStateError extends Error {
  readonly code = 'ERR_WORKER_STATE'
  readonly state: string
  static {
    brandError(this, 'WorkerStateError')
  }

  constructor(state: string) {
    super(`this worker is ${state}, not ready for a task; exec of its pool waits for a worker that is`)
    this.state = state
  }
}

/** A task without context and body, which a worker can't distinguish from a stop. */
export class EmptyPayloadError extends TypeError {
  readonly code = 'ERR_EMPTY_PAYLOAD'
  static {
    brandError(this, 'EmptyPayloadError')
  }

  constructor() {
    super(
      'exec: expected a context or a body of at least one byte; both are empty, which means stop to a worker',
    )
  }
}

/** A task of more than `maxFrame` bytes. */
export class PayloadTooLargeError extends RangeError {
  readonly code = 'ERR_PAYLOAD_TOO_LARGE'
  static {
    brandError(this, 'PayloadTooLargeError')
  }

  constructor(length: number, maxFrame: number) {
    super(`exec: expected a payload of at most ${maxFrame} bytes (maxFrame); got ${length}`)
  }
}

/** This platform has no process groups, which a pool needs to end its processes. */
export class UnsupportedPlatformError extends Error {
  readonly code = 'ERR_UNSUPPORTED_PLATFORM'
  readonly platform: string
  static {
    brandError(this, 'UnsupportedPlatformError')
  }

  constructor(platform: string) {
    super(
      `ProcessPool runs on Linux, macOS and other systems with process groups, not on ${platform}, where it could not end what it starts; all else of runutil works there, and ProcessPool does in WSL`,
    )
    this.platform = platform
  }
}

/** Bytes of a JobError's message. */
const LONGEST = 4_096
/** Characters of each output. A message may be logged more than once, also as a cause. */
const LONGEST_QUOTE = 2_048

function quoted(name: 'stderr' | 'stdout', output: string): string {
  const text = output.trim()
  if (text === '') return ''
  return `; its ${name}:\n${text.length > LONGEST_QUOTE ? `…${text.slice(-LONGEST_QUOTE)}` : text}`
}

/** Makes fields non-enumerable, so that loggers don't write them. */
function hide(error: Error, ...names: string[]): void {
  for (const name of names) Object.defineProperty(error, name, { enumerable: false })
}
