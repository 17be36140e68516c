import { currentClock, currentLogger } from '../../core/context.ts'
import { logWarning } from '../../core/log.ts'
import { within } from '../../core/within.ts'
import type { Done } from './control.ts'

/** How long a call waits for what it has begun. */
export const ANSWER_MS = 10_000

/** The answer of a call; 202 with `late` when there is none within 10 s. It goes on then, and its failure is logged. */
export async function answeredWithin(call: Promise<Done>, late: object): Promise<Done> {
  if (await within(call, ANSWER_MS, currentClock())) return call
  const logger = currentLogger()
  call.catch((error: unknown) => logWarning(logger, error, 'a call of an operator failed after its answer'))
  return { status: 202, body: late }
}
