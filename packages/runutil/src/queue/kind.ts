import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type Duration, toIntervalMs } from '../core/duration.ts'
import type { Encoding, JobCodec } from './codec.ts'
import type { ClaimedJob, LeasedJob } from './job.ts'
import type { JobMiddleware } from './middleware.ts'
import { type KindLimits, type ResolvedLimits, resolveLimits } from './limits.ts'
import { type RetryIf, type RetryOptions, type RetryPolicy, resolveRetries } from './retry-policy.ts'

/** How the jobs of a kind run: limits, retries and a deadline. */
export interface KindOptions extends KindLimits, RetryOptions {
  /**
   * Whether to try again after an error, before the last attempt. It replaces the rule that every error is but a panic, so that it
   * decides on panics too; it isn't asked about a RetryableError, or after a stop. If it throws, the job is FAILED.
   */
  readonly retryIf?: RetryIf | undefined
  /**
   * How long a handler may take before its signal aborts. What it then returns within 1 s, or a RetryableError, still decides;
   * otherwise the attempt has failed with a DeadlineExceededError. Default: no limit.
   */
  readonly deadline?: Duration | undefined
}

export const KIND_OPTIONS = [
  'concurrency',
  'keyConcurrency',
  'rate',
  'attempts',
  'backoff',
  'retryIf',
  'deadline',
] as const

/** Does a job. What it returns is the result; what it throws decides whether the job is retried. */
export type JobHandler = (job: ClaimedJob, signal: AbortSignal) => unknown

/** A kind that a worker has a handler for. */
export interface Kind {
  /** Of its worker; undefined for none. */
  readonly middleware?: readonly JobMiddleware[] | undefined
  /** Of its queue; undefined without a codec. */
  readonly encoding?: (Encoding & { readonly codec: JobCodec }) | undefined
  readonly kind: string
  readonly handler: JobHandler
  readonly input: StandardSchemaV1 | undefined
  readonly output: StandardSchemaV1 | undefined
  readonly limits: ResolvedLimits
  readonly retries: RetryPolicy
  readonly deadlineMs: number | undefined
}

/**
 * @param defaults those of its worker
 * @throws InvalidArgumentError, InvalidDurationError
 */
export function resolveKindOptions(
  options: KindOptions,
  what: string,
  defaults?: RetryPolicy,
): Pick<Kind, 'limits' | 'retries' | 'deadlineMs'> {
  const { deadline } = options
  return {
    limits: resolveLimits(options, what),
    retries: resolveRetries(options, what, defaults),
    deadlineMs: deadline === undefined ? undefined : toIntervalMs(deadline, `${what}: deadline`),
  }
}

/**
 * Adds what the options of their kinds say of jobs, and what asks for their dependencies. In place, since each claim makes new
 * objects.
 */
export function toClaimedJobs(
  jobs: LeasedJob[],
  kinds: ReadonlyMap<string, Kind>,
  dependencies: (id: string) => Promise<Record<string, unknown>>,
): ClaimedJob[] {
  const claimed = jobs as { -readonly [K in keyof ClaimedJob]: ClaimedJob[K] }[]
  for (const job of claimed) {
    job.isLastAttempt = job.attempt >= kinds.get(job.kind)!.retries.attempts
    const { id } = job
    job.dependencies = () => dependencies(id)
  }
  return claimed
}
