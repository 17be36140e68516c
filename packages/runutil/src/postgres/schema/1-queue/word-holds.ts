import { WORD_HOLDS_MS } from '../../../queue/kind-rules.ts'

/** How long a worker's rules hold without renewal. */
export const WORD_HOLDS = `interval '${WORD_HOLDS_MS} ms'`
