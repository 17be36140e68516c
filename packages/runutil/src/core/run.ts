import { brandError } from './brand.ts'
import type { Timer } from './clock.ts'
import { type Context, currentContext } from './context.ts'
import { shortened } from './describe.ts'
import { type Duration, toIntervalMs, toMs } from './duration.ts'
import { setHealth } from './health.ts'
import { isAbortOf } from './is-abort-of.ts'
import { linkedController } from './linked-controller.ts'
import { log } from './log.ts'
import { punctualTimer } from './punctual-timer.ts'

export type { ScheduledRun } from './context.ts'

/**
 * The run of `repeat`, `cron` or `distributedCron` that this code is called in; undefined outside of one.
 *
 * `scheduledFor` is the instant for which the run was scheduled, also if it began late or was delayed by `jitter`. `missed` is the
 * number of instants since the previous run that will never run.
 *
 * @example
 * cron('0 6 * * *', (signal) => sendReport(currentRun()!.scheduledFor, signal))
 */
export function currentRun(): { scheduledFor: Date; missed: number } | undefined {
  const run = currentContext()?.run
  // A copy, because a Date can be changed.
  return run && { scheduledFor: new Date(run.scheduledFor), missed: run.missed }
}

/** A run took longer than its `timeout`: the reason of its signal's abort, and the error of the run. */
export class RunTimeoutError extends Error {
  readonly code = 'ERR_RUN_TIMEOUT'
  readonly worker: string
  readonly timeoutMs: number
  static {
    brandError(this, 'RunTimeoutError')
  }
  constructor(worker: string, timeoutMs: number, options?: ErrorOptions) {
    const whose = worker === '' ? 'a run' : `a run of ${shortened(worker, 400)}`
    super(`${whose} took longer than its timeout of ${timeoutMs} ms`, options)
    this.worker = worker
    this.timeoutMs = timeoutMs
  }
}

/** The time limits of a run; undefined where none was given. */
export interface RunLimits {
  readonly timeoutMs: number | undefined
  readonly warnAfterMs: number | undefined
}

/** @throws InvalidDurationError */
export function toRunLimits(
  what: string,
  { timeout, warnAfter }: { timeout?: Duration | undefined; warnAfter?: Duration | undefined },
): RunLimits {
  return {
    timeoutMs: timeout === undefined ? undefined : toIntervalMs(timeout, `${what}: timeout`),
    warnAfterMs: warnAfter === undefined ? undefined : toIntervalMs(warnAfter, `${what}: warnAfter`),
  }
}

/** @throws InvalidDurationError */
export function toJitterMs(what: string, jitter: Duration): number {
  return toMs(jitter, `${what}: jitter`)
}

/** How long a run takes before it is slow, if no `warnAfter` was given. @param everyMs the interval between two runs */
export function defaultWarnAfterMs(everyMs: number): number {
  return Math.max(60_000, 10 * everyMs)
}

/** Logs that a run is slow. */
export function warnSlow(context: Context, forMs: number): void {
  context.record?.emit({ type: 'slow', forMs })
  log(context.logger, 'warn', { forMs }, `slow: the run has taken ${Math.round(forMs)} ms so far`)
}

/**
 * Calls `body` with a signal of the run's own, which aborts at the timeout: the run then fails with a RunTimeoutError, but settles
 * only when `body` does. Each limit that is set takes one timer.
 *
 * @throws RunTimeoutError, whose `cause` is what `body` threw, unless that was the reason of the abort
 */
export async function runWithin(
  limits: RunLimits,
  context: Context,
  signal: AbortSignal,
  body: (signal: AbortSignal) => Promise<void> | void,
): Promise<void> {
  const run = new LimitedRun(limits, context, signal)
  let thrown: { error: unknown } | undefined
  try {
    await body(run.signal)
  } catch (error) {
    thrown = { error }
  }
  run.end(thrown)
}

class LimitedRun {
  readonly #limits: RunLimits
  readonly #context: Context
  readonly #controller: ReturnType<typeof linkedController>
  readonly #timers: Timer[] = []
  #isOver = false

  constructor(limits: RunLimits, context: Context, signal: AbortSignal) {
    const { timeoutMs, warnAfterMs } = limits
    this.#limits = limits
    this.#context = context
    this.#controller = linkedController(signal)
    this.#watch(timeoutMs, () => this.#timeOut())
    this.#watch(warnAfterMs, () => warnSlow(context, warnAfterMs!))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  #watch(ms: number | undefined, callback: () => void): void {
    if (ms !== undefined) this.#timers.push(punctualTimer(this.#context.scope.clock, ms, callback))
  }

  #timeOut(): void {
    // When the run is stopped, the grace period applies instead.
    if (this.signal.aborted) return
    this.#isOver = true
    // It may take long to end, or never do.
    setHealth(this.#context, 'firing', true)
    this.#controller.abort(this.#error())
  }

  /** @throws what `body` threw; RunTimeoutError */
  end(thrown: { error: unknown } | undefined): void {
    for (const timer of this.#timers) timer.clear()
    this.#controller.dispose()
    if (!this.#isOver) {
      if (thrown !== undefined) throw thrown.error
      return
    }
    const isOther = thrown !== undefined && !isAbortOf(this.signal, thrown.error)
    throw isOther ? this.#error({ cause: thrown.error }) : this.signal.reason
  }

  #error(options?: ErrorOptions): RunTimeoutError {
    return new RunTimeoutError(this.#context.name, this.#limits.timeoutMs!, options)
  }
}
