import { currentLogger } from '../../core/context.ts'
import { log } from '../../core/log.ts'
import { messageOf } from '../../core/thrown.ts'
import { knownError } from '../http/error-answer.ts'
import type { Done } from './control.ts'
import { OpsError } from '../ops-error.ts'

/** A call that changes something. */
export interface LoggedCall {
  /** Who asks for it. */
  readonly by: string
  /** Such as 'pause'. */
  readonly what: string
  /** Such as 'worker /Mail'. */
  readonly on: string
}

/** Logs a call with what came of it. @throws an OpsError, where the error means something to whoever asked */
export async function logCall(facts: LoggedCall, call: () => Promise<Done>): Promise<Done> {
  const tell = (status: number, result: string, outcome: string): void =>
    log(
      currentLogger(),
      'info',
      { ...facts, status, result },
      `${facts.by}: ${facts.what} ${facts.on}: ${outcome}`,
    )
  try {
    const done = await call()
    tell(done.status, JSON.stringify(done.body), done.status === 200 ? 'done' : 'goes on')
    return done
  } catch (thrown) {
    const error = knownError(thrown) ?? thrown
    tell(error instanceof OpsError ? error.status : 500, messageOf(error), 'refused')
    throw error
  }
}
