import { RULES_TTL_MS } from '../../../queue/kind-rules.ts'

/** How long a worker's rules hold without renewal. */
export const RULES_TTL = `interval '${RULES_TTL_MS} ms'`
