import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import { codeOf, isInstance, toError } from '../../core/thrown.ts'
import { DatabaseClosedError, DatabaseRefusedError } from './errors.ts'

// What an error of the driver means to who asked:
//
// - lost: the connection broke, or none can be made for now. To everybody, that is a StoreUnavailableError.
// - in passing: the server lives and says that it can't for now. To who will ask again anyway, a loop of runutil's, that is a
//   StoreUnavailableError too; to who called it is an error as the server tells it.
// - to be repeated: undone, since another was in its way. It is run again at once.
// - refused: everything else. Asked again, the server would say the same.

/** Connection lost or refused for now: class 08, shutdown, crash, start-up, idle timeouts, too many connections. */
const LOST_STATES = /^(08...|57P0[1-5]|25P03|53300)$/
/**
 * statement_timeout and cancelled (57014), lock_timeout (55P03), read-only after a failover (25006), not in the state for
 * it (55000), out of space, memory or the like (53), the system's errors (58), transaction_timeout (25P04).
 */
const PASSING_STATES = /^(57014|55P03|25006|55000|53...|58...|25P04)$/
/** Of these, an embedded database doesn't recover by itself: its disk is full, its files can't be read. */
const PASSING_ON_A_SERVER = /^(531..|58...)$/
const TO_BE_REPEATED = new Set(['40P01', '40001'])
/** Whoever has this connection will hear the same again; another may lead to the new primary. */
const LEADS_NOWHERE = new Set(['25006', '25P04'])
/** What poolers say when they are out of connections, or have lost one, under the code for bugs of the server. */
const OF_A_POOLER = new RegExp(
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
/** What `pg` says by itself has no code. A read timeout leaves the statement running on its connection. */
const LOST_MESSAGES =
  /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Query read timeout)/
const POOL_ENDED = /^Cannot use a pool after calling end/
const NOT_SENT = /is not queryable$/

/** What an error that came while connecting means. @param server where the server was looked for */
export function connectError(thrown: unknown, server: string): Error {
  const error = toError(thrown)
  if (POOL_ENDED.test(error.message)) return new DatabaseClosedError(error)
  if (isLost(error) || isMissingSocket(error) || isPassing(error)) {
    const message = `expected ${server}; got ${inWords(error)}; is it running, and is this where it listens?`
    return new StoreUnavailableError(message, { outcomeUnknown: false, cause: error })
  }
  const hint = hintOf(error)
  if (hint === undefined) return error
  return new DatabaseRefusedError(`${server} refused the connection: ${error.message}; ${hint}`, {
    cause: error,
  })
}

/** What an error of a statement means. @param outcomeUnknown whether a statement that was sent may have stayed */
export function statementError(thrown: unknown, server: string, outcomeUnknown: boolean): Error {
  const error = toError(thrown)
  if (!isLost(error)) return error
  return new StoreUnavailableError(`the connection to ${server} broke: ${inWords(error)}`, {
    outcomeUnknown: outcomeUnknown && !NOT_SENT.test(error.message),
    cause: error,
  })
}

/**
 * What an error of a statement means to who will ask again: a StoreUnavailableError when the server said it in passing.
 *
 * @param embedded whether the database is in this process
 */
export function errorInPassing(error: unknown, embedded: boolean): unknown {
  if (!isInstance(error, Error) || error instanceof StoreUnavailableError) return error
  const code = codeOf(error) ?? ''
  const passes = isPassing(error) && !(embedded && PASSING_ON_A_SERVER.test(code))
  // After many repeats, others are still in the way.
  if (!passes && !isToBeRepeated(error)) return error
  return new StoreUnavailableError(`the database can't do it for now: ${inWords(error)} (${code})`, {
    outcomeUnknown: false,
    answered: true,
    cause: error,
  })
}

/** Undone by the server, since another was in its way: it may be run again at once. */
export function isToBeRepeated(error: unknown): boolean {
  return TO_BE_REPEATED.has(codeOf(error) ?? '')
}

/** Whether a connection is of no more use after an error: what is fatal ends it, and one leads to an old primary. */
export function spoilsConnection(error: unknown): boolean {
  if (!isInstance(error, Error)) return false
  const { severity } = error as { severity?: unknown }
  return severity === 'FATAL' || LEADS_NOWHERE.has(codeOf(error) ?? '') || isOfPooler(error)
}

function isPassing(error: Error): boolean {
  return PASSING_STATES.test(codeOf(error) ?? '') || isOfPooler(error)
}

function isOfPooler(error: Error): boolean {
  return codeOf(error) === 'XX000' && OF_A_POOLER.test(error.message)
}

function isLost(error: Error): boolean {
  const { code = '', message } = error as NodeJS.ErrnoException
  if (LOST_STATES.test(code) || LOST_CODES.has(code)) return true
  return LOST_MESSAGES.test(message) || NOT_SENT.test(message)
}

/** A Unix socket is a file, and there is none. */
function isMissingSocket(error: Error): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException
  return code === 'ENOENT' && syscall === 'connect'
}

/** Of `localhost`, Node tries each address, and its error then has no message. */
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
