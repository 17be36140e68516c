import { HandshakeError, WorkerError } from '../errors.ts'
import { CorruptFrameError, OversizedFrameError } from '../relay/frame.ts'
import type { Stdio } from '../relay/relay.ts'
import type { Exit } from './subprocess.ts'

/** How a worker ended. */
export interface WorkerExit {
  /** Null when a signal ended the process, or when it never started. */
  readonly code: number | null
  /** Null unless a signal ended the process. */
  readonly signal: NodeJS.Signals | null
  /** The last 64 KiB of stderr. */
  readonly stderr: string
  /** Why the worker failed; undefined when it ended on request. */
  readonly error: WorkerError | undefined
}

export interface WorkerEnd {
  readonly pid: number
  readonly exit: Exit
  readonly stderr: string
  /** The end of stdout; empty where stdout is the relay. */
  readonly stdout: string
  readonly stdio: Stdio
  /** `ahead`: for a task that was sent ahead. */
  readonly during: 'handshake' | 'task' | 'ahead' | 'idle'
  /** The worker's fault, if one was detected before it ended. */
  readonly failure: Error | undefined
  /** Why the pool killed the worker, when the worker was not at fault. */
  readonly killed: string | undefined
  /** A possible reason for a failed handshake; '' if none is known. */
  readonly seen: string
}

/** The error for callers that wait for a worker to start or to answer, when it has ended. */
export function diagnose(end: WorkerEnd): WorkerError {
  const { pid, exit, stderr, stdout, during, failure } = end
  const { code, signal, spawnError } = exit
  if (spawnError !== undefined) return spawnError
  const facts = { pid, exitCode: code, signal, stderr, stdout, cause: failure }
  const why = end.killed === undefined ? '' : `: ${end.killed}`
  switch (during) {
    case 'handshake':
      return new HandshakeError(
        `worker ${pid}: its handshake failed: ${describeHandshakeFailure(end)}`,
        facts,
      )
    case 'task':
      return new WorkerError(`worker ${pid} ${describeEnd(end, ' in the middle of a task')}${why}`, facts)
    case 'ahead':
      return new WorkerError(
        `worker ${pid} ${describeEnd(end)}${why}; it had been sent this task ahead of its turn, and may have started it`,
        facts,
      )
    case 'idle':
      return new WorkerError(`worker ${pid} ${describeEnd(end, ' while idle')}${why}`, facts)
    default:
      return during satisfies never
  }
}

/** If the pool killed the worker for a fault, reports the fault rather than the exit. */
function describeEnd({ exit: { code, signal }, failure, stdio }: WorkerEnd, when = ''): string {
  if (failure instanceof CorruptFrameError) {
    const hint = stdio === 'relay' && !(failure instanceof OversizedFrameError) ? NOT_A_FRAME : ''
    return `broke the protocol${when} and was killed: ${failure.message}${hint}`
  }
  if (failure !== undefined) return `was killed${when}: ${failure.message}`
  return `${signal === null ? `exited with code ${code}` : `was ended by ${signal}`}${when}`
}

const NOT_A_FRAME =
  '; over pipes stdout is the relay: print to stderr, or set the protocol that the worker speaks'

/** A handshake failure is reported by its own message. */
function describeHandshakeFailure(end: WorkerEnd): string {
  const { failure, seen } = end
  if (failure === undefined) return `it ${describeEnd(end)}${seen === '' ? '' : ` (${seen})`}`
  if (failure instanceof CorruptFrameError) return `it ${describeEnd(end)}`
  return failure.message
}
