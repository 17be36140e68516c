import type { ResolvedLimits } from './limits.ts'
import type { ResolvedRetention } from './retention.ts'

/** The limits and retention that a worker sets for a kind. */
export interface KindRules {
  readonly limits: ResolvedLimits
  readonly retention: ResolvedRetention
}

/** The rules of another live worker for a kind, where they differ. */
export interface OtherRules extends KindRules {
  /** The worker's name. */
  readonly worker: string
  readonly kind: string
}

/**
 * How long the rules of a worker hold without renewal. Claims notice their expiry within a few seconds, other workers with
 * their own next renewal.
 */
export const RULES_TTL_MS = 110_000
