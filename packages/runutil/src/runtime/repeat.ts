import { describe } from '../core/describe.ts'
import { type Duration, toIntervalMs } from '../core/duration.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { checkJob, type Job, type JobFunc } from '../core/job.ts'
import { checkOptions } from '../core/options.ts'
import { refusePattern } from '../core/refuse-pattern.ts'
import { toJitterMs, toRunLimits } from '../core/run.ts'
import type { Worker } from '../core/worker.ts'
import { type RunControl, intervalMs, runControls, workerKind } from '../core/worker-kind.ts'
import { runs } from './named.ts'
import { Ticker } from './ticker.ts'
import type { TickerSettings } from './ticker-settings.ts'

/** Options of `repeat`. */
export interface RepeatOptions {
  /** Run once at the start too; the schedule begins when that run has ended. Default false. */
  startImmediately?: boolean | undefined
  /** Delays each start, the first too, by a random part of it; the schedule stays. Less than `every`. Default 0. */
  jitter?: Duration | undefined
  /** How long a run may take. Then its signal aborts, and it fails with a RunTimeoutError. Default: no limit. */
  timeout?: Duration | undefined
  /** How long a run may take before it is logged as slow, once per run. Default: 1 m or 10 × `every`, whichever is greater. */
  warnAfter?: Duration | undefined
}

/**
 * Runs a job repeatedly; `every` is the time between two starts.
 *
 * Starts lie on a fixed schedule that does not drift, and runs never overlap: after a run that took longer, one missed start runs
 * at once, late, and further ones are dropped. An error ends the worker with that error, and so does a run that took longer than its
 * `timeout`, once it has ended; no run starts after the abort. Each run is a health checkpoint, has a trace span of its own, and runs
 * in the AsyncLocalStorage stores in which the worker was started. `currentRun()` in it says when it was due.
 *
 * The schedule begins when the worker starts. For times of day, use `cron` of runutil/cron.
 *
 * @throws InvalidDurationError, InvalidArgumentError at the call
 *
 * @example
 * repeat('5s', async (signal) => sync(signal), { startImmediately: true })
 */
export function repeat(every: Duration, job: Job | JobFunc, options: RepeatOptions = {}): Worker {
  const what = 'repeat'
  refusePattern(what, every, 'cron(pattern, job) of runutil/cron')
  const everyMs = toIntervalMs(every, what)
  checkJob(job, what)
  const {
    startImmediately = false,
    jitter = 0,
    timeout,
    warnAfter,
  } = checkOptions(what, options, ['startImmediately', 'jitter', 'timeout', 'warnAfter'])
  const jitterMs = toJitterMs(what, jitter)
  if (jitterMs >= everyMs) {
    throw new InvalidArgumentError(
      `${what}: expected a jitter of less than the interval of ${everyMs} ms; got ${describe(jitter)}`,
    )
  }
  const given = toRunLimits(what, { timeout, warnAfter })
  const limits = timeout === undefined && warnAfter === undefined ? undefined : given
  return new RepeatWorker({ everyMs, job, startImmediately, jitterMs, limits })
}

class RepeatWorker implements Worker {
  readonly [workerKind] = 'repeat'
  readonly [runControls]: RunControl = 'trigger'
  readonly [intervalMs]: number
  readonly [runs]: Job | JobFunc
  readonly #settings: TickerSettings

  constructor(settings: TickerSettings) {
    this[intervalMs] = settings.everyMs + settings.jitterMs
    this[runs] = settings.job
    this.#settings = settings
  }

  run(signal: AbortSignal): Promise<void> {
    const ticker = new Ticker(this.#settings, signal)
    return new Promise((resolve, reject) => ticker.start(this.#settings.startImmediately, resolve, reject))
  }
}
