import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import { codeOf, messageOf, reasonOf } from '../core/thrown.ts'
import { OpsError } from './ops-error.ts'

/** Errors of modules by their codes, which hold across copies of runutil and without loading those modules. */
const MEANINGS: Readonly<Record<string, readonly [status: number, code: string]>> = {
  ERR_NO_SUCH_WORKER: [404, 'not-found'],
  ERR_NO_SUCH_WORK_SPEC: [404, 'not-found'],
  ERR_GONE: [404, 'not-found'],
  ERR_NOT_PAUSABLE: [409, 'conflict'],
  ERR_POOL_DESTROYED: [409, 'conflict'],
  ERR_INVALID_ARGUMENT: [400, 'bad-request'],
  ERR_INVALID_DURATION: [400, 'bad-request'],
  ERR_INVALID_JOB: [400, 'bad-request'],
}

/** What an error of a call means to whoever asked for it; the error itself if it means nothing to them. */
export function callError(error: unknown): unknown {
  if (error instanceof OpsError) return error
  if (error instanceof StoreUnavailableError) {
    return new OpsError(503, 'unavailable', `the store is out of reach: ${reasonOf(error)}`)
  }
  const meaning = MEANINGS[codeOf(error) ?? '']
  return meaning === undefined ? error : new OpsError(...meaning, messageOf(error))
}
