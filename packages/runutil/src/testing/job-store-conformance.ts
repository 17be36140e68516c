import { attemptCases } from './job-store-attempt-cases.ts'
import { cancelCases } from './job-store-cancel-cases.ts'
import type { JobStoreCases } from './job-store-case.ts'
import { claimBytesCases } from './job-store-claim-bytes-cases.ts'
import { claimCases } from './job-store-claim-cases.ts'
import { clockCases } from './job-store-clock-cases.ts'
import { concurrencyCases } from './job-store-concurrency-cases.ts'
import { crashCases } from './job-store-crash-cases.ts'
import { dependencyCases } from './job-store-dependency-cases.ts'
import { existsCases } from './job-store-exists-cases.ts'
import { insertCases } from './job-store-insert-cases.ts'
import { lateCases } from './job-store-late-cases.ts'
import { leaseCases } from './job-store-lease-cases.ts'
import { listCases } from './job-store-list-cases.ts'
import { operatorCases } from './job-store-operator-cases.ts'
import { pauseCases } from './job-store-pause-cases.ts'
import { rateCases } from './job-store-rate-cases.ts'
import { raceCases } from './job-store-race-cases.ts'
import { rescheduleCases } from './job-store-reschedule-cases.ts'
import { removedDependencyCases } from './job-store-removed-dependency-cases.ts'
import { rulesCases } from './job-store-rules-cases.ts'
import { statsCases } from './job-store-stats-cases.ts'
import { settleAndClaimCases } from './job-store-settle-and-claim-cases.ts'
import { settleCases } from './job-store-settle-cases.ts'
import { adminCases } from './job-store-admin-cases.ts'
import { uniqueCases } from './job-store-unique-cases.ts'
import { uniqueRetryCases } from './job-store-unique-retry-cases.ts'
import { traceCases } from './job-store-trace-cases.ts'
import { textCases } from './job-store-text-cases.ts'

/**
 * The contract of every JobStore as test cases, for any test runner: a case rejects if the store breaks it.
 *
 * Each case needs an empty store of its own, which uses the clock that is passed with it.
 *
 * @example
 * for (const [sentence, check] of Object.entries(jobStoreConformance)) {
 *   test(sentence, () => {
 *     const clock = new VirtualClock()
 *     return check({ clock, store: new MyJobStore({ clock }) })
 *   })
 * }
 */
export const jobStoreConformance: JobStoreCases = {
  ...insertCases,
  ...existsCases,
  ...uniqueCases,
  ...uniqueRetryCases,
  ...textCases,
  ...traceCases,
  ...claimCases,
  ...settleCases,
  ...settleAndClaimCases,
  ...attemptCases,
  ...leaseCases,
  ...lateCases,
  ...crashCases,
  ...claimBytesCases,
  ...adminCases,
  ...concurrencyCases,
  ...cancelCases,
  ...operatorCases,
  ...rescheduleCases,
  ...pauseCases,
  ...listCases,
  ...rateCases,
  ...rulesCases,
  ...statsCases,
  ...clockCases,
  ...raceCases,
  ...dependencyCases,
  ...removedDependencyCases,
}
