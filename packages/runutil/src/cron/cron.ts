import { currentContext, type RunScope } from '../core/context.ts'
import type { Job, JobFunc } from '../core/job.ts'
import { type RunControl, runControls, workerKind } from '../core/worker-kind.ts'
import type { Worker } from '../core/worker.ts'
import { CronProgress } from './cron-progress.ts'
import { CronRun } from './cron-run.ts'
import { type CronOptions, toCronSettings } from './cron-settings.ts'

/**
 * Runs a job at times of day: `pattern` is a cron pattern of 5 fields, 6 with seconds first, 7 with a year last, with names, L,
 * W and #, or '@daily' and the like, in the time zone `timezone`.
 *
 * It follows the wall clock, and notices within a minute that the clock was set or that the machine slept. Runs never overlap, and
 * no instant runs twice. `missed` selects which of the instants run that passed meanwhile; `currentRun()` returns the instant of
 * a run. A time of day that daylight saving skips runs right after the gap, one that comes twice runs the first time; patterns
 * with more than one time a day follow real time.
 *
 * An error of the job ends the worker with that error: with `retry` it is restarted, without it the group ends. Instants that
 * pass during a backoff count as missed.
 *
 * @throws InvalidArgumentError, InvalidDurationError at the call; also for a pattern that never occurs
 *
 * @example
 * { name: 'Report', worker: cron('0 6 * * MON-FRI', sendReport, { timezone: 'Europe/Berlin' }), retry: backoff('10s') }
 */
export function cron(pattern: string, job: Job | JobFunc, options: CronOptions = {}): Worker {
  const settings = toCronSettings('cron', pattern, job, options)
  const entries = new Entries()
  const run = (signal: AbortSignal): Promise<void> =>
    entries.during((progress) => new CronRun(settings, progress, signal).run())
  const controls: RunControl = 'trigger'
  const worker = { [workerKind]: 'cron', [runControls]: controls, run }
  return worker
}

/**
 * The progress of each entry of a run. It is kept across restarts, so that instants that pass during a backoff count as missed. One
 * worker may be several entries of a run, so each uses a progress that no other entry has in use.
 */
class Entries {
  readonly #of = new WeakMap<RunScope, CronProgress[]>()

  async during(body: (progress: CronProgress) => Promise<void>): Promise<void> {
    const free = this.#freeIn(currentContext()?.scope)
    const progress = free.pop() ?? new CronProgress()
    try {
      await body(progress)
    } finally {
      free.push(progress)
    }
  }

  #freeIn(scope: RunScope | undefined): CronProgress[] {
    if (scope === undefined) return []
    let free = this.#of.get(scope)
    if (free === undefined) this.#of.set(scope, (free = []))
    return free
  }
}
