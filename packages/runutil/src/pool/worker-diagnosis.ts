import { HandshakeError, WorkerError, type WorkerFacts } from './errors.ts'
import type { Exit } from './subprocess.ts'

/** The error for a worker that ended, from how it ended and what it was doing. */
export function diagnose(facts: Exit & WorkerFacts, during: 'handshake' | 'task' | 'idle'): WorkerError {
  const { pid, code, signal, spawnError, cause, stderr } = facts
  if (spawnError !== undefined) return spawnError
  const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`
  // Killed by us: what it had done is the news.
  const what = cause instanceof Error ? `broke the protocol and was killed: ${cause.message}` : how
  const known = { pid, exitCode: code, signal, stderr, cause }
  switch (during) {
    case 'handshake':
      return new HandshakeError(`worker ${pid}: its handshake failed: it ${what}`, known)
    case 'task':
      return new WorkerError(`worker ${pid} ${what} in the middle of a task`, known)
    case 'idle':
      return new WorkerError(`worker ${pid} ${what} while idle`, known)
    default:
      return during satisfies never
  }
}
