import { constants } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import type { Logger } from 'pino'
import { rootLogger } from '../core/context.ts'
import { type Duration, toMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { log } from '../core/log.ts'
import { checkOptions, nearest } from '../core/options.ts'
import { shared } from '../core/shared.ts'
import type { ShutdownRequestedError } from './errors.ts'
import { ProcessWatch } from './process-watch.ts'
import type { UncaughtError } from './uncaught.ts'

/** Options of `shutdownSignal`. */
export interface ShutdownSignalOptions {
  /** Default SIGINT and SIGTERM. */
  signals?: NodeJS.Signals[] | undefined
  /** How long to keep running after the first signal, so that load balancers stop routing first. Default 0. */
  delay?: Duration | undefined
  /**
   * How an uncaught error is handled during a run with this signal: `stop` aborts the signal with an UncaughtError, and the runs
   * reject with it once all is stopped; `crash` ends the process at once, as Node does by default. Default 'stop'.
   */
  uncaught?: 'stop' | 'crash' | undefined
}

const DEFAULT_GRACE_MS = 30_000
/** No process can handle these. */
const UNSTOPPABLE: readonly string[] = ['SIGKILL', 'SIGSTOP']

const watches = shared('watches', () => new WeakMap<AbortSignal, ProcessWatch>())

/**
 * A signal that aborts with a ShutdownRequestedError when the process is asked to stop.
 *
 * A second request exits at once with code 16; the same signal within 500 ms is the same request, because terminals and dev runners send it
 * twice. Runs that are given this signal have 30 s of `grace` by default; when the last of
 * them ends, the process's handlers are removed until another run is given the signal. If open handles then keep the
 * process alive for 5 s, a warning lists them. In a worker thread it never aborts, and a warning says so.
 *
 * While a run is on, an uncaught exception or unhandled rejection is logged at `fatal` with the name of its worker, and stops
 * all in order: each run on the signal rejects with a WorkerGroupError whose first error is an UncaughtError, and the process
 * exits with 1. A second one exits at once, as does the end of `grace`. When a run rejects because a worker hangs, the process
 * exits with 1 within a second, even if that worker holds handles open and the caller catches the error.
 *
 * @throws InvalidDurationError, InvalidArgumentError
 *
 * @example
 * await runProvidedWorkers(container, shutdownSignal())
 */
export function shutdownSignal(options: ShutdownSignalOptions = {}): AbortSignal {
  const what = 'shutdownSignal'
  const {
    signals = ['SIGINT', 'SIGTERM'],
    delay = 0,
    uncaught = 'stop',
  } = checkOptions(what, options, ['signals', 'delay', 'uncaught'])
  checkSignals(signals)
  if (!['stop', 'crash'].includes(uncaught))
    throw unexpected(`${what}: uncaught`, `'stop' or 'crash'`, uncaught)
  const delayMs = toMs(delay, `${what}: delay`)
  if (!isMainThread) log(rootLogger(), 'warn', {}, IN_THREAD)
  const watch = new ProcessWatch({
    signals: [...new Set(signals)],
    delayMs,
    stopsOnUncaught: uncaught === 'stop',
  })
  watches.set(watch.signal, watch)
  return watch.signal
}

const IN_THREAD =
  'shutdownSignal: signals do not arrive in a worker thread; call it in the main thread, and forward the stop by a message'

function checkSignals(signals: unknown): void {
  const fail = (got: unknown, hint?: string): Error => unexpected('shutdownSignal', EXPECTED, got, hint)
  if (!Array.isArray(signals) || signals.length === 0) throw fail(signals)
  const known = Object.keys(constants.signals).filter((name) => !UNSTOPPABLE.includes(name))
  for (const name of signals as unknown[]) {
    if (typeof name !== 'string') throw fail(signals)
    if (known.includes(name)) continue
    throw fail(name, UNSTOPPABLE.includes(name) ? UNHEARD : didYouMean(name, known))
  }
}

const EXPECTED = `signal names such as ['SIGTERM']`
const UNHEARD = `; no process can handle it: did you mean 'SIGTERM'?`

function didYouMean(name: string, known: readonly string[]): string {
  const near = nearest(name, known) ?? nearest(`SIG${name}`, known)
  return near === undefined ? '' : `; did you mean '${near}'?`
}

/** A run's use of its `shutdownSignal()`. */
export interface ShutdownUse {
  readonly graceMs: number
  /** The request to stop, once it has come, also during the delay. */
  readonly requested: () => ShutdownRequestedError | undefined
  /** The uncaught error that stopped the run, if any. */
  readonly uncaught: () => UncaughtError | undefined
  readonly release: (ended: { clean: boolean }) => void
  /** Call it if the run has left a hung worker behind: ends the process. */
  readonly exitSoon: () => void
}

/** Registers a run of a `shutdownSignal()`; undefined for any other signal. @param grace what the run was given */
export function useShutdownSignal(
  signal: AbortSignal | undefined,
  logger: Logger | undefined,
  grace: number | undefined,
): ShutdownUse | undefined {
  const watch = signal && watches.get(signal)
  if (watch === undefined) return undefined
  const graceMs = grace ?? DEFAULT_GRACE_MS
  watch.use(logger, graceMs)
  return {
    graceMs,
    requested: () => watch.requested,
    uncaught: () => watch.uncaught,
    release: ({ clean }) => watch.release(clean),
    exitSoon: () => watch.exitSoon(),
  }
}
