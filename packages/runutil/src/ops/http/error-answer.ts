import type { Logger } from 'pino'
import { log } from '../../core/log.ts'
import { codeOf, isInstance, messageOf } from '../../core/thrown.ts'
import { OpsError } from '../ops-error.ts'

/** What errors of other modules mean to a caller of the API: by their codes, since those modules may not be loaded. */
const ANSWERS: Readonly<Record<string, { readonly status: number; readonly code: string }>> = {
  ERR_INVALID_ARGUMENT: { status: 400, code: 'bad-request' },
  ERR_INVALID_DURATION: { status: 400, code: 'bad-request' },
  ERR_INVALID_JOB: { status: 400, code: 'bad-request' },
  ERR_NO_SUCH_WORKER: { status: 404, code: 'not-found' },
  ERR_JOB_NOT_FOUND: { status: 404, code: 'not-found' },
  ERR_NO_SUCH_WORK_SPEC: { status: 404, code: 'not-found' },
  ERR_NO_SUCH_WORK_UNIT: { status: 404, code: 'not-found' },
  ERR_GONE: { status: 404, code: 'not-found' },
  ERR_NO_SUCH_ACTION: { status: 404, code: 'not-found' },
  ERR_NOT_PAUSABLE: { status: 409, code: 'not-now' },
  ERR_POOL_DESTROYED: { status: 409, code: 'not-now' },
  ERR_STORE_UNAVAILABLE: { status: 503, code: 'database' },
  ERR_DATABASE_CLOSED: { status: 503, code: 'database' },
  ERR_SCHEMA_MISSING: { status: 503, code: 'database' },
  ERR_SCHEMA_CHANGED: { status: 503, code: 'database' },
  ERR_SCHEMA_TOO_NEW: { status: 503, code: 'database' },
  ERR_PERMISSION_DENIED: { status: 503, code: 'database' },
  ERR_DATABASE_SETTING: { status: 503, code: 'database' },
}

/** The answer for what was thrown, if it means something to whoever called. */
export function knownError(thrown: unknown): OpsError | undefined {
  if (isInstance(thrown, OpsError)) return thrown
  const answer = ANSWERS[codeOf(thrown) ?? '']
  return answer && new OpsError(answer.status, answer.code, messageOf(thrown))
}

/** The answer for what was thrown. Of what nobody expected only the log has the text: it may tell what callers must not know. */
export function toOpsError(thrown: unknown, logger: Logger): OpsError {
  const known = knownError(thrown)
  if (known !== undefined) return known
  log(logger, 'error', { err: thrown }, 'a request of the operations server failed')
  return new OpsError(500, 'internal', 'an error that nobody expected; the log of the process has it')
}
