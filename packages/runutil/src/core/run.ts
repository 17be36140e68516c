import type { Timer } from './clock.ts'
import { type Context, currentContext, type ScheduledRun } from './context.ts'
import { dateAt } from './date-at.ts'
import { shortened } from './describe.ts'
import { type Duration, toIntervalMs, toMs } from './duration.ts'
import { isAbortOf } from './is-abort-of.ts'
import { linkedController } from './linked-controller.ts'
import { log } from './log.ts'
import { punctualTimer } from './punctual-timer.ts'

export type { ScheduledRun } from './context.ts'

/**
 * The run of `repeat`, `cron` or `distributedCron` that the code is in; undefined outside of one.
 *
 * `scheduledFor` is the instant that the run is for: when it was due, also if it began late or was put off by `jitter`.
 * `missed` counts the instants since the run before that will never have a run of their own.
 *
 * @example
 * cron('0 6 * * *', (signal) => sendReport(currentRun()!.scheduledFor, signal))
 */
export function currentRun(): { scheduledFor: Date; missed: number } | undefined {
  const run = currentContext()?.run
  // A Date can be set.
  return run && { scheduledFor: new Date(run.scheduledFor), missed: run.missed }
}

/** A run took longer than its `timeout`: why its signal aborted, and what it failed with. */
export class RunTimeoutError extends Error {
  readonly code = 'ERR_RUN_TIMEOUT'
  readonly worker: string
  readonly timeoutMs: number
  static {
    this.prototype.name = 'RunTimeoutError'
  }
  constructor(worker: string, timeoutMs: number, options?: ErrorOptions) {
    const whose = worker === '' ? 'a run' : `a run of ${shortened(worker, 400)}`
    super(`${whose} took longer than its timeout of ${timeoutMs} ms`, options)
    this.worker = worker
    this.timeoutMs = timeoutMs
  }
}

/** How long a run may take; undefined where nothing was given. */
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

/** What a run takes before it is called slow where no `warnAfter` was given. @param everyMs the time between two */
export function defaultWarnAfterMs(everyMs: number): number {
  return Math.max(60_000, 10 * everyMs)
}

/** Says once that a run takes long. */
export function warnSlow(context: Context, forMs: number): void {
  context.record?.emit({ type: 'slow', forMs })
  log(context.logger, 'warn', { forMs }, `slow: the run has taken ${Math.round(forMs)} ms so far`)
}

/**
 * Calls `body` with a signal of the run's own, which aborts at its timeout: the run has then failed with that, but settles
 * when `body` does. A timer each for what is given, none for what isn't.
 *
 * @throws RunTimeoutError, caused by what `body` threw, unless that was for the abort
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
    // Told to stop, it has the grace period instead.
    if (this.signal.aborted) return
    this.#isOver = true
    this.#controller.abort(this.#error())
  }

  /** @throws what `body` threw, or that it took too long */
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

/** A run of a fixed grid, whose time of day is worked out when somebody asks. */
export class GridRun implements ScheduledRun {
  readonly missed: number
  readonly #context: Context
  readonly #dueElapsed: number
  #date: Date | undefined

  /** @param dueElapsed when it was due, by `elapsed()` */
  constructor(context: Context, dueElapsed: number, missed: number) {
    this.#context = context
    this.#dueElapsed = dueElapsed
    this.missed = missed
  }

  get scheduledFor(): Date {
    return (this.#date ??= dateAt(this.#context.scope.clock, this.#dueElapsed))
  }
}
