import type { ResolvedLimits } from './limits.ts'
import type { ResolvedRetention } from './retention.ts'

/** What a worker holds a kind to. */
export interface KindRules {
  readonly limits: ResolvedLimits
  readonly retention: ResolvedRetention
}

/** What another live worker says of a kind, where it differs. */
export interface OtherRules extends KindRules {
  /** Who says so. */
  readonly worker: string
  readonly kind: string
}

/**
 * A worker says every so often that it lives. Not heard for this long, what it said no longer holds; which claims notice
 * within a few seconds, and other workers when they speak.
 */
export const WORD_HOLDS_MS = 110_000
