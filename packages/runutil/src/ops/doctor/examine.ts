import { reasonOf } from '../../core/thrown.ts'
import type { Check, Patient } from './check.ts'
import { CONNECTION_CHECKS } from './connection-checks.ts'
import { CRON_CHECKS } from './cron-checks.ts'
import { DATABASE_CHECKS } from './database-checks.ts'
import { type Finding, type Verdict, warn } from './finding.ts'
import { PROCESS_CHECKS } from './process-checks.ts'
import { QUEUE_CHECKS } from './queue-checks.ts'
import { REPLICA_CHECKS } from './replica-checks.ts'
import { SERVER_CHECKS } from './server-checks.ts'

/** So long a check may take. */
export const LIMIT_MS = 5_000

export const CHECKS: readonly Check[] = [
  ...PROCESS_CHECKS,
  ...DATABASE_CHECKS,
  ...CONNECTION_CHECKS,
  ...QUEUE_CHECKS,
  ...REPLICA_CHECKS,
  ...CRON_CHECKS,
  ...SERVER_CHECKS,
]

/** All checks at once, in the order of the table. Never rejects: what can't be found out is a finding as well. */
export async function examine(patient: Patient, checks: readonly Check[] = CHECKS): Promise<Finding[]> {
  const verdicts = await Promise.all(checks.map((check) => boundedVerdict(check, patient)))
  return checks.flatMap(({ name }, at) => {
    const verdict = verdicts[at]
    return verdict === undefined ? [] : [{ check: name, ...verdict }]
  })
}

function boundedVerdict(check: Check, patient: Patient): Promise<Verdict | undefined> {
  return new Promise((resolve) => {
    const { clock } = patient
    const timer = clock.setTimeout(() => resolve(unknown(`no answer within ${LIMIT_MS} ms`)), LIMIT_MS)
    const asked = Promise.resolve().then(() => check.examine(patient))
    const found = asked.catch((error: unknown) => unknown(reasonOf(error)))
    void found.then((verdict) => {
      timer.clear()
      resolve(verdict)
    })
  })
}

function unknown(why: string): Verdict {
  return warn(`could not be found out: ${why}`, 'find out why there is no answer: until then nobody knows')
}
