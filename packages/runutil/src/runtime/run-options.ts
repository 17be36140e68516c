import type { Logger } from 'pino'
import type { Clock } from '../core/clock.ts'
import { type Duration, toMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import { checkOptions } from '../core/options.ts'
import { type ShutdownUse, useShutdownSignal } from './shutdown-signal.ts'
import { stoppedBy } from './uncaught.ts'
import { Runtime } from './runtime.ts'

/** Options of a run. A run inside a run takes over what it isn't given from the outer one. */
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

export interface ResolvedRunOptions {
  logger: Logger | undefined
  clock: Clock | undefined
  graceMs: number | undefined
  runtime: Runtime | undefined
  /** Runs the body as a run of the signal's: if it is a `shutdownSignal()`, that handles signals until its end. */
  during: (body: () => Promise<void>) => Promise<void>
}

export function resolveRunOptions(
  what: string,
  options: RunOptions,
  signal: AbortSignal | undefined,
): ResolvedRunOptions {
  const { logger, clock, grace, runtime } = checkOptions(what, options, [
    'logger',
    'clock',
    'grace',
    'runtime',
  ])
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
  const during = (body: () => Promise<void>): Promise<void> => (shutdown ? duringUse(shutdown, body) : body())
  return { logger, clock, runtime, graceMs: givenGraceMs ?? shutdown?.graceMs, during }
}

/** @throws what the body throws; a WorkerGroupError that begins with what nobody caught, if that was it */
async function duringUse(shutdown: ShutdownUse, body: () => Promise<void>): Promise<void> {
  let thrown: { error: unknown } | undefined
  try {
    await body()
  } catch (error) {
    thrown = { error }
  }
  shutdown.release({ clean: thrown === undefined })
  const uncaught = shutdown.uncaught()
  if (uncaught !== undefined) throw stoppedBy(uncaught, thrown)
  if (thrown !== undefined) throw thrown.error
}
