import { HandshakeError, WorkerError } from '../errors.ts'
import { CorruptFrameError } from '../relay/frame.ts'
import type { Exit } from './subprocess.ts'

/** How a worker ended. */
export interface WorkerExit {
  /** Null when a signal ended it, or when it never began. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The last 64 KiB. */
  readonly stderr: string
  /** What was wrong; undefined when it ended because it was told to. */
  readonly error: WorkerError | undefined
}

export interface WorkerEnd {
  readonly pid: number
  readonly exit: Exit
  readonly stderr: string
  /** What it printed, where stdout isn't the relay. */
  readonly stdout: string
  /** `ahead`: of a task that it was sent before its turn. */
  readonly during: 'handshake' | 'task' | 'ahead' | 'idle'
  /** What it did wrong, when that was found out before it ended. */
  readonly failure: Error | undefined
  /** Why the pool killed it, though it did nothing wrong by itself. */
  readonly killed: string | undefined
  /** What may explain that its handshake failed; '' if nothing does. */
  readonly seen: string
}

/** What a worker's end means to whoever waits for it to start or to answer: always an error. */
export function diagnose(end: WorkerEnd): WorkerError {
  const { pid, exit, stderr, stdout, during, failure } = end
  const { code, signal, spawnError } = exit
  if (spawnError !== undefined) return spawnError
  const facts = { pid, exitCode: code, signal, stderr, stdout, cause: failure }
  const why = end.killed === undefined ? '' : `: ${end.killed}`
  switch (during) {
    case 'handshake':
      return new HandshakeError(`worker ${pid}: its handshake failed: ${handshake(end)}`, facts)
    case 'task':
      return new WorkerError(`worker ${pid} ${happened(end)} in the middle of a task${why}`, facts)
    case 'ahead':
      return new WorkerError(
        `worker ${pid} ${happened(end)}${why}; it had been sent this task ahead of its turn, and nobody knows whether it began it`,
        facts,
      )
    case 'idle':
      return new WorkerError(`worker ${pid} ${happened(end)} while idle${why}`, facts)
    default:
      return during satisfies never
  }
}

/** Where it was killed by the pool, what it had done is the news. */
function happened({ exit: { code, signal }, failure }: WorkerEnd): string {
  if (failure instanceof CorruptFrameError) return `broke the protocol and was killed: ${failure.message}`
  if (failure !== undefined) return `was killed: ${failure.message}`
  return signal === null ? `exited with code ${code}` : `was ended by ${signal}`
}

/** What was expected of a handshake and didn't come is said as it is. */
function handshake(end: WorkerEnd): string {
  const { failure, seen } = end
  if (failure === undefined) return `it ${happened(end)}${seen === '' ? '' : ` (${seen})`}`
  if (failure instanceof CorruptFrameError) return `it ${happened(end)}`
  return failure.message
}
