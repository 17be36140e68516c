import { WORD_HOLDS_MS } from '../../../queue/kind-rules.ts'

/** How long a worker's word on its kinds holds. */
export const WORD_HOLDS = `interval '${WORD_HOLDS_MS} ms'`
