import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type Duration, toIntervalMs } from '../core/duration.ts'
import type { ClaimedJob } from './job.ts'
import type { JobMiddleware } from './middleware.ts'
import { type KindLimits, type ResolvedLimits, resolveLimits } from './limits.ts'

export interface KindOptions extends KindLimits {
  /** How long a handler may take before its signal aborts and the attempt is FAILED. Default: no limit. */
  readonly deadline?: Duration | undefined
}

export const KIND_OPTIONS = ['concurrency', 'keyConcurrency', 'rate', 'deadline'] as const

export type JobHandler = (job: ClaimedJob, signal: AbortSignal) => unknown

/** A kind that a worker has a handler for. */
export interface Kind {
  /** Of its worker; undefined for none. */
  readonly middleware?: readonly JobMiddleware[] | undefined
  readonly kind: string
  readonly handler: JobHandler
  readonly input: StandardSchemaV1 | undefined
  readonly output: StandardSchemaV1 | undefined
  readonly limits: ResolvedLimits
  readonly deadlineMs: number | undefined
}

/** @throws InvalidArgumentError, InvalidDurationError */
export function resolveKindOptions(
  { deadline, ...limits }: KindOptions,
  what: string,
): { limits: ResolvedLimits; deadlineMs: number | undefined } {
  return {
    limits: resolveLimits(limits, what),
    deadlineMs: deadline === undefined ? undefined : toIntervalMs(deadline, `${what}: deadline`),
  }
}
