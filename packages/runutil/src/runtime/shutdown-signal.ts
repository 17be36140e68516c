import type { Logger } from 'pino'
import { linkedController } from '../core/abort.ts'
import { systemClock } from '../core/clock-system.ts'
import { type Timer } from '../core/clock.ts'
import { rootLogger } from '../core/context.ts'
import { type Duration, toMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { ShutdownRequestedError } from './errors.ts'

export interface ShutdownSignalOptions {
  /** Default SIGINT and SIGTERM. */
  signals?: NodeJS.Signals[] | undefined
  /** How long to go on after the first signal, so that a load balancer turns away first. Default 0. */
  delay?: Duration | undefined
}

/** What the process exits with when it is told a second time. */
const FORCED_EXIT_CODE = 16
const DEFAULT_GRACE_MS = 30_000

const watches = new WeakMap<AbortSignal, ProcessWatch>()

/**
 * A signal that aborts with a ShutdownRequestedError when the process is asked to stop.
 *
 * A second request exits at once with code 16. Runs that are given this signal have 30 s of `grace` by default;
 * when the last of them ends, the process's handlers come off again, until another run is given the signal.
 *
 * @throws InvalidDurationError, InvalidArgumentError
 *
 * @example
 * await runProvidedWorkers(container, shutdownSignal())
 */
export function shutdownSignal(options: ShutdownSignalOptions = {}): AbortSignal {
  const what = 'shutdownSignal'
  const { signals = ['SIGINT', 'SIGTERM'], delay = 0 } = checkOptions(what, options, ['signals', 'delay'])
  if (!Array.isArray(signals) || signals.some((name) => !/^SIG[A-Z0-9]+$/.test(name))) {
    throw unexpected(what, `signal names such as ['SIGTERM']`, signals)
  }
  const watch = new ProcessWatch(signals, toMs(delay, `${what}: delay`))
  watches.set(watch.signal, watch)
  return watch.signal
}

/** What a run with a `shutdownSignal()` needs to know of it; undefined for any other signal. */
export function useShutdownSignal(
  signal: AbortSignal | undefined,
  logger: Logger | undefined,
): { graceMs: number; release: () => void } | undefined {
  const watch = signal && watches.get(signal)
  if (watch === undefined) return undefined
  watch.use(logger)
  return { graceMs: DEFAULT_GRACE_MS, release: () => watch.release() }
}

class ProcessWatch {
  readonly #controller = linkedController()
  readonly #signals: readonly NodeJS.Signals[]
  readonly #delayMs: number
  #listening = false
  #requested: ShutdownRequestedError | undefined
  #delay: Timer | undefined
  #users = 0
  #logger: Logger | undefined

  constructor(signals: readonly NodeJS.Signals[], delayMs: number) {
    this.#signals = signals
    this.#delayMs = delayMs
    this.#listen()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  use(logger: Logger | undefined): void {
    this.#users++
    this.#logger = logger ?? this.#logger
    this.#listen()
  }

  release(): void {
    if (--this.#users > 0) return
    for (const name of this.#signals) process.off(name, this.#receive)
    this.#listening = false
    // Nothing is left that would go on during the delay.
    if (this.#requested !== undefined) this.#abort()
  }

  /** From the start on, so that a request isn't missed before the first run; anew when a run follows another. */
  #listen(): void {
    if (this.#listening) return
    this.#listening = true
    for (const name of this.#signals) process.on(name, this.#receive)
  }

  readonly #receive = (name: NodeJS.Signals): void => {
    if (this.#requested !== undefined) {
      const logger = this.#logger ?? rootLogger()
      logger.error({ signal: name }, 'told to stop again')
      process.exit(FORCED_EXIT_CODE)
    }
    this.#requested = new ShutdownRequestedError(name)
    if (this.#delayMs === 0) this.#abort()
    else this.#delay = systemClock.setTimeout(() => this.#abort(), this.#delayMs)
  }

  #abort(): void {
    this.#delay?.clear()
    this.#controller.abort(this.#requested)
  }
}
