import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import { codeOf, isInstance, toError } from '../../core/thrown.ts'
import { DatabaseClosedError, DatabaseRefusedError } from './errors.ts'

// What an error of the driver means to the caller:
//
// - lost: the connection broke, or none can be made for now. That is a StoreUnavailableError for every caller.
// - transient: the server is up but cannot do it for now. For runutil's loops, which try again anyway, that is a
//   StoreUnavailableError too; other callers get the server's error.
// - retryable: rolled back because of a concurrent transaction. It is run again at once.
// - refused: everything else. The server would give the same answer again.

/** Connection lost or refused for now: class 08, shutdown, crash, start-up, idle timeouts, too many connections. */
const LOST_STATES = /^(08...|57P0[1-5]|25P03|53300)$/
/**
 * statement_timeout and cancelled (57014), lock_timeout (55P03), read-only after a failover (25006), not in the state for
 * it (55000), out of space, memory or the like (53), the system's errors (58), transaction_timeout (25P04).
 */
const TRANSIENT_STATES = /^(57014|55P03|25006|55000|53...|58...|25P04)$/
/** An embedded database doesn't recover from these by itself: its disk is full, its files can't be read. */
const TRANSIENT_ON_A_SERVER = /^(531..|58...)$/
const RETRYABLE_STATES = new Set(['40P01', '40001'])
/** This connection would give the same answer again; a new one may reach the new primary. */
const RECONNECT_STATES = new Set(['25006', '25P04'])
/** Poolers report a lack or loss of connections with these texts, under the code of internal errors. */
const POOLER_MESSAGES = new RegExp(
  [
    // Supavisor
    'check ?out (process|connection) from the pool|EDBHANDLEREXITED|DbHandler exited|db_termination',
    'ECHECKOUTTIMEOUT|EMAXCONN|max client connections reached|too many clients already',
    'connection to (the )?database (was )?(closed|not available)',
    // PgBouncer, Odyssey, PgCat
    'server conn crashed|query_wait_timeout|server_login_retry|server login has been failing|cannot connect to server',
    'no more connections allowed|pooler is shut down|get connection from the pool|remote server (read|write) error',
    // the proxies of Neon and RDS
    'control plane request failed|connect to (the )?compute node|endpoint is idle|NEON_SMGR',
    'timed.out waiting to acquire database connection',
  ].join('|'),
  'i',
)
const LOST_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
])
/** Errors of `pg` itself have no code. After a read timeout, the statement still runs on its connection. */
const LOST_MESSAGES =
  /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Query read timeout)/
const POOL_ENDED = /^Cannot use a pool after calling end/
const NOT_SENT = /is not queryable$/

/** What an error of connecting means. @param server as errors name it */
export function connectError(thrown: unknown, server: string): Error {
  const error = toError(thrown)
  if (POOL_ENDED.test(error.message)) return new DatabaseClosedError(error)
  if (isLost(error) || isMissingSocket(error) || isTransient(error)) {
    const message = `cannot reach ${server}: ${inWords(error)}; check that it is running and listens there`
    return new StoreUnavailableError(message, { outcomeUnknown: false, cause: error })
  }
  const hint = hintOf(error)
  if (hint === undefined) return error
  return new DatabaseRefusedError(`${server} refused the connection: ${error.message}; ${hint}`, {
    cause: error,
  })
}

/** What an error of a statement means. @param outcomeUnknown whether a statement that was sent may have taken effect */
export function statementError(thrown: unknown, server: string, outcomeUnknown: boolean): Error {
  const error = toError(thrown)
  if (!isLost(error)) return error
  return new StoreUnavailableError(`the connection to ${server} broke: ${inWords(error)}`, {
    outcomeUnknown: outcomeUnknown && !NOT_SENT.test(error.message),
    cause: error,
  })
}

/**
 * What an error of a statement means to a loop, which will try again: a StoreUnavailableError where it is transient.
 *
 * @param embedded whether the database is in this process
 */
export function transientError(error: unknown, embedded: boolean): unknown {
  if (!isInstance(error, Error) || error instanceof StoreUnavailableError) return error
  const code = codeOf(error) ?? ''
  const transient = isTransient(error) && !(embedded && TRANSIENT_ON_A_SERVER.test(code))
  // It still conflicts with others after many repeats.
  if (!transient && !isRetryable(error)) return error
  return new StoreUnavailableError(`the database cannot do it for now: ${inWords(error)} (${code})`, {
    outcomeUnknown: false,
    answered: true,
    cause: error,
  })
}

/** Rolled back by the server because of a concurrent transaction: it may be run again at once. */
export function isRetryable(error: unknown): boolean {
  return RETRYABLE_STATES.has(codeOf(error) ?? '')
}

/** Whether a connection is unusable after an error: a fatal error ends it, or it leads to an old primary. */
export function breaksConnection(error: unknown): boolean {
  if (!isInstance(error, Error)) return false
  const { severity } = error as { severity?: unknown }
  return severity === 'FATAL' || RECONNECT_STATES.has(codeOf(error) ?? '') || isOfPooler(error)
}

function isTransient(error: Error): boolean {
  return TRANSIENT_STATES.test(codeOf(error) ?? '') || isOfPooler(error)
}

function isOfPooler(error: Error): boolean {
  return codeOf(error) === 'XX000' && POOLER_MESSAGES.test(error.message)
}

function isLost(error: Error): boolean {
  const { code = '', message } = error as NodeJS.ErrnoException
  if (LOST_STATES.test(code) || LOST_CODES.has(code)) return true
  return LOST_MESSAGES.test(message) || NOT_SENT.test(message)
}

/** A Unix socket is a file, which doesn't exist. */
function isMissingSocket(error: Error): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException
  return code === 'ENOENT' && syscall === 'connect'
}

/** For `localhost`, Node tries each address, and the error has no message. */
function inWords({ message, code }: NodeJS.ErrnoException): string {
  return message === '' ? `${code}` : message
}

function hintOf(error: Error): string | undefined {
  const { code = '', message } = error as NodeJS.ErrnoException
  if (/^28/.test(code)) return 'check user and password, and what pg_hba.conf allows'
  if (/^SASL|password must be a string/.test(message))
    return 'give a password: postgres://user:password@host/database'
  if (code === '3D000') return 'create it with createdb, or correct the name at the end of the URL'
  if (/SSL|TLS|self.signed|certificate/i.test(`${code} ${message}`)) return 'check sslmode in the URL'
  return undefined
}
