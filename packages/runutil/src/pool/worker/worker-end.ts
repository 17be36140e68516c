import { HandshakeError, WorkerError } from '../errors.ts'
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
  readonly during: 'handshake' | 'task' | 'idle'
  /** Whether it was told to end. */
  readonly told: boolean
  /** What it did wrong, when that was found out before it ended. */
  readonly failure: Error | undefined
}

/** What a worker's end means to whoever waits for it to start or to answer: always an error. */
export function diagnose({ pid, exit, stderr, during, failure }: WorkerEnd): WorkerError {
  const { code, signal, spawnError } = exit
  if (spawnError !== undefined) return spawnError
  const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`
  // Killed by us: what it had done is the news.
  const what = failure === undefined ? how : `broke the protocol and was killed: ${failure.message}`
  const facts = { pid, exitCode: code, signal, stderr, cause: failure }
  switch (during) {
    case 'handshake':
      return new HandshakeError(`worker ${pid}: its handshake failed: it ${what}`, facts)
    case 'task':
      return new WorkerError(`worker ${pid} ${what} in the middle of a task`, facts)
    case 'idle':
      return new WorkerError(`worker ${pid} ${what} while idle`, facts)
    default:
      return during satisfies never
  }
}
