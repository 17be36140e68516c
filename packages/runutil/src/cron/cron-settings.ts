import { currentClock } from '../core/context.ts'
import { type Duration, toMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { checkJob, type Job, type JobFunc } from '../core/job.ts'
import { checkOptions } from '../core/options.ts'
import { defaultWarnAfterMs, type RunLimits, toJitterMs, toRunLimits } from '../core/run.ts'
import { CronTimes } from './cron-times.ts'
import type { MissedPolicy } from './missed-runs.ts'

/** Options of `cron`. */
export interface CronOptions {
  /** An IANA name such as 'Europe/Berlin'. Default 'UTC'. */
  timezone?: string | undefined
  /**
   * Which of the instants run that passed during a run, a blocked event loop or a sleep of the machine: `once` the latest, `skip`
   * the latest if it is on time, `all` every one, oldest first, at most the last 100. Default 'once'.
   */
  missed?: MissedPolicy | undefined
  /** How late a start still counts as on time. Default 1 m. */
  tolerance?: Duration | undefined
  /** Delays each start by a random part of this duration, but never to the next instant. Default 0. */
  jitter?: Duration | undefined
  /** How long a run may take. Then its signal aborts, and it fails with a RunTimeoutError. Default: no limit. */
  timeout?: Duration | undefined
  /** How long a run takes before it is logged as slow. Default: 1 m, or ten times the interval to the next instant if longer. */
  warnAfter?: Duration | undefined
}

export interface CronSettings {
  readonly pattern: string
  readonly timezone: string
  readonly times: CronTimes
  readonly job: Job | JobFunc
  readonly missed: MissedPolicy
  readonly toleranceMs: number
  readonly jitterMs: number
  readonly limits: RunLimits
}

const POLICIES: readonly unknown[] = ['once', 'skip', 'all']

/** @throws InvalidArgumentError, InvalidDurationError */
export function toCronSettings(
  what: string,
  pattern: string,
  job: Job | JobFunc,
  options: CronOptions,
): CronSettings {
  const {
    timezone = 'UTC',
    missed = 'once',
    tolerance = '1m',
    jitter = 0,
    timeout,
    warnAfter,
  } = checkOptions(what, options, ['timezone', 'missed', 'tolerance', 'jitter', 'timeout', 'warnAfter'])
  checkJob(job, what)
  const times = new CronTimes(what, pattern, timezone)
  times.checkComesAfter(currentClock().now(), what)
  if (!POLICIES.includes(missed)) throw unexpected(`${what}: missed`, `'once', 'skip' or 'all'`, missed)
  return {
    pattern,
    timezone,
    times,
    job,
    missed,
    toleranceMs: toMs(tolerance, `${what}: tolerance`),
    jitterMs: toJitterMs(what, jitter),
    limits: toRunLimits(what, { timeout, warnAfter }),
  }
}

/** How long the run of an instant takes before it is slow: ten times the interval to the next instant. */
export function slowAfterMs({ times }: Pick<CronSettings, 'times'>, instant: number): number {
  const next = times.after(instant)
  return defaultWarnAfterMs(next === undefined ? 0 : next - instant)
}
