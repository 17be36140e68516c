import { toError } from '../../core/errors.ts'
import { StoreUnavailableError } from '../../core/unavailable.ts'
import { DatabaseClosedError, DatabaseRefusedError } from './errors.ts'

/** Connection lost or refused for now: class 08, shutdown, crash, start-up, idle timeouts, too many connections. */
const TROUBLE_STATES = /^(08...|57P0[1-5]|25P03|53300)$/
const TROUBLE_CODES = new Set([
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
const TROUBLE_MESSAGES =
  /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Query read timeout)/
const POOL_ENDED = /^Cannot use a pool after calling end/
const NOT_SENT = /is not queryable$/

/** What an error that came while connecting means. @param server where the server was looked for */
export function connectError(thrown: unknown, server: string): Error {
  const error = toError(thrown)
  if (POOL_ENDED.test(error.message)) return new DatabaseClosedError(error)
  if (isTrouble(error) || isMissingSocket(error)) {
    const message = `expected ${server}; got ${inWords(error)}; is it running, and is this where it listens?`
    return new StoreUnavailableError(message, { outcomeUnknown: false, cause: error })
  }
  const mend = mendOf(error)
  if (mend === undefined) return error
  return new DatabaseRefusedError(`${server} refused the connection: ${error.message}; ${mend}`, {
    cause: error,
  })
}

/** What an error of a statement means. @param outcomeUnknown whether a statement that was sent may have stayed */
export function statementError(thrown: unknown, server: string, outcomeUnknown: boolean): Error {
  const error = toError(thrown)
  if (!isTrouble(error)) return error
  return new StoreUnavailableError(`the connection to ${server} broke: ${inWords(error)}`, {
    outcomeUnknown: outcomeUnknown && !NOT_SENT.test(error.message),
    cause: error,
  })
}

function isTrouble(error: Error): boolean {
  const { code = '', message } = error as NodeJS.ErrnoException
  if (TROUBLE_STATES.test(code) || TROUBLE_CODES.has(code)) return true
  return TROUBLE_MESSAGES.test(message) || NOT_SENT.test(message)
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

function mendOf(error: Error): string | undefined {
  const { code = '', message } = error as NodeJS.ErrnoException
  if (/^28/.test(code)) return 'check user and password, and what pg_hba.conf allows'
  if (/^SASL|password must be a string/.test(message))
    return 'give a password: postgres://user:password@host/database'
  if (code === '3D000') return 'create it with createdb, or correct the name at the end of the URL'
  if (/SSL|TLS|self.signed|certificate/i.test(`${code} ${message}`)) return 'check sslmode in the URL'
  return undefined
}
