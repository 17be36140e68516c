import type { Logger } from 'pino'
import type { Clock } from '../core/clock.ts'
import { type RunScope, currentContext, newScope } from '../core/context.ts'
import { type Duration, toMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import { Grace } from './grace.ts'
import { servedBy } from './served-by.ts'
import { type ShutdownUse, useShutdownSignal } from './shutdown-signal.ts'
import { isUnrestartable } from './restart-errors.ts'
import { stoppedBy } from './uncaught.ts'
import { Runtime } from './runtime.ts'

/** Options of a run. A run inside a run inherits omitted options from the outer one. */
export interface RunOptions {
  /** The root that each worker's logger is a child of. Default: the outer run's, else `pino()`. */
  logger?: Logger | undefined
  /** Default: the outer run's, else the system's. */
  clock?: Clock | undefined
  /**
   * How long workers may go on after the abort; those still running then are named in a ShutdownTimeoutError.
   * Default: 30 s with a signal from `shutdownSignal()`, else no limit.
   */
  grace?: Duration | undefined
  /** A handle on the run, for one run at a time. Default: one that `currentRuntime()` gives. */
  runtime?: Runtime | undefined
}

export const RUN_OPTIONS = ['logger', 'clock', 'grace', 'runtime'] as const

/** The validated options of a run. */
export interface ResolvedRun {
  readonly scope: RunScope
  readonly grace: Grace
  /**
   * Runs the body as this run: until it ends, a `shutdownSignal()` handles process signals, and the Runtime serves this run.
   */
  readonly during: (body: () => Promise<void>) => Promise<void>
}

/** @param options with known keys only; their values are checked here @throws InvalidArgumentError */
export function resolveRun(what: string, options: RunOptions, signal: AbortSignal | undefined): ResolvedRun {
  const { logger, clock, grace, runtime } = options
  if (runtime !== undefined && !(runtime instanceof Runtime)) throw unexpected(what, 'a Runtime', runtime)
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw unexpected(what, 'an AbortSignal', signal)
  }
  if (logger !== undefined && !has(logger, 'child')) {
    throw unexpected(what, 'a pino logger', logger)
  }
  if (clock !== undefined && !has(clock, 'setTimeout')) {
    throw unexpected(what, 'a Clock', clock)
  }
  const givenGraceMs = grace === undefined ? undefined : toMs(grace, `${what}: grace`)
  const shutdown = useShutdownSignal(signal, logger, givenGraceMs)
  const graceMs = givenGraceMs ?? shutdown?.graceMs
  const scope = newScope({ logger, clock, graceMs })
  scope.records.stopRequest ??= shutdown?.requested
  const during = (body: () => Promise<void>): Promise<void> => {
    const served = (): Promise<void> => servedBy(runtime, scope, signal, body)
    return shutdown === undefined ? served() : duringUse(shutdown, served)
  }
  return { scope, grace: new Grace(graceMs, scope.clock), during }
}

/** @throws what the body throws; if an uncaught error stopped the run, a WorkerGroupError that begins with it */
async function duringUse(shutdown: ShutdownUse, body: () => Promise<void>): Promise<void> {
  let thrown: { error: unknown } | undefined
  try {
    await body()
  } catch (error) {
    thrown = { error }
  }
  shutdown.release({ clean: thrown === undefined })
  // An inner run fails its worker with that, and the outermost run in the end.
  if (isUnrestartable(thrown?.error) && currentContext() === undefined) shutdown.exitSoon()
  const uncaught = shutdown.uncaught()
  if (uncaught !== undefined) throw stoppedBy(uncaught, thrown)
  if (thrown !== undefined) throw thrown.error
}
