import type { Clock } from '../../core/clock.ts'

export interface AllotmentProps {
  /** 0 means no limit. */
  readonly maxExecutions: number
  readonly ttlMs: number
  /** From 0 to 1: how much of both it gives up, so that workers that came together don't go together. */
  readonly early: number
  readonly clock: Clock
}

/** How much a worker may do before another takes its place. */
export interface Allotment {
  readonly execs: number
  /** On the scale of `clock.elapsed()`. */
  readonly until: number
}

export function allotmentOf({ maxExecutions, ttlMs, early, clock }: AllotmentProps): Allotment {
  const execs = maxExecutions === 0 ? Infinity : maxExecutions - Math.floor(maxExecutions * early)
  return {
    // With one task only it would need a successor before it has begun.
    execs: Math.max(execs, Math.min(2, maxExecutions || 2)),
    until: clock.elapsed() + ttlMs * (1 - early),
  }
}
