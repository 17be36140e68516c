import type { Clock } from '../../core/clock.ts'

export interface RecycleLimitsProps {
  /** 0 means no limit. */
  readonly maxExecutions: number
  readonly ttlMs: number
  /** From 0 to 1: the fraction of both limits to forgo, so that workers that started together don't end together. */
  readonly early: number
  readonly clock: Clock
}

/** How much a worker may do before it is replaced. */
export interface RecycleLimits {
  readonly execs: number
  /** On the scale of `clock.elapsed()`. */
  readonly until: number
}

export function recycleLimitsOf({ maxExecutions, ttlMs, early, clock }: RecycleLimitsProps): RecycleLimits {
  const execs = maxExecutions === 0 ? Infinity : maxExecutions - Math.floor(maxExecutions * early)
  return {
    // With a limit of one task, a worker would need a successor before its first task.
    execs: Math.max(execs, Math.min(2, maxExecutions || 2)),
    until: clock.elapsed() + ttlMs * (1 - early),
  }
}
