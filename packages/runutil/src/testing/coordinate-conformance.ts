import { attemptCases } from './coordinate-attempt-cases.ts'
import type { CoordinateCases } from './coordinate-case.ts'
import { clockCases } from './coordinate-clock-cases.ts'
import { limitCases } from './coordinate-limit-cases.ts'
import { modelCases } from './coordinate-model-cases.ts'
import { pruneCases } from './coordinate-prune-cases.ts'
import { requestCases } from './coordinate-request-cases.ts'
import { retryCases } from './coordinate-retry-cases.ts'
import { unitCases } from './coordinate-unit-cases.ts'

/**
 * The contract of coordinate on every store as test cases, for any test runner: a case rejects if it is broken.
 *
 * Each case needs an empty store of its own, and the clock that was passed to `createCoordinate`.
 *
 * @example
 * for (const [sentence, check] of Object.entries(coordinateConformance)) {
 *   test(sentence, () => {
 *     const clock = new VirtualClock()
 *     return check({ clock, coordinate: createCoordinate(new MemoryCoordinateStore(), { clock }) })
 *   })
 * }
 */
export const coordinateConformance: CoordinateCases = {
  ...modelCases,
  ...unitCases,
  ...attemptCases,
  ...requestCases,
  ...retryCases,
  ...pruneCases,
  ...clockCases,
  ...limitCases,
}
