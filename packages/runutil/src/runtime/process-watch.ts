import { constants } from 'node:os'
import type { Logger } from 'pino'
import { systemClock } from '../core/clock-system.ts'
import type { Timer } from '../core/clock.ts'
import { rootLogger } from '../core/context.ts'
import { macrotask, unrefTimeout } from '../core/event-loop.ts'
import { linkedController } from '../core/linked-controller.ts'
import { log } from '../core/log.ts'
import { ShutdownRequestedError } from './errors.ts'
import { type UncaughtError, UncaughtErrors } from './uncaught.ts'

/** The exit code at a second request. */
const FORCED_EXIT_CODE = 16
/** The exit code if a worker that cannot be stopped is still running this long after the run has ended. */
const HUNG_EXIT_CODE = 1
const LEFT_BEHIND_MS = 900
/** A repeat of the same signal within this time is the same request, delivered twice. */
const SAME_REQUEST_MS = 500
/** How long to wait before warning about open handles. */
const LEFT_OPEN_MS = 5_000

export interface ProcessWatchProps {
  readonly signals: readonly NodeJS.Signals[]
  readonly delayMs: number
  readonly stopsOnUncaught: boolean
}

/**
 * Listens to the process's signals for a `shutdownSignal()`.
 *
 * listening ─► requested ─► aborted, at once or after the delay. It listens from its creation, so that no request before the first
 * run is missed, until the last run has ended, and again when another begins.
 */
export class ProcessWatch {
  readonly #controller = linkedController()
  readonly #signals: readonly NodeJS.Signals[]
  readonly #delayMs: number
  readonly #uncaught: UncaughtErrors | undefined
  #listening = false
  #requested: ShutdownRequestedError | undefined
  /** The signal of the first request, while a second one of it is ignored. */
  #repeatable: NodeJS.Signals | undefined
  #delay: Timer | undefined
  #users = 0
  #allClean = true
  #logger: Logger | undefined

  constructor({ signals, delayMs, stopsOnUncaught }: ProcessWatchProps) {
    this.#signals = signals
    this.#delayMs = delayMs
    const stop = (error: UncaughtError): void => this.#controller.abort(error)
    if (stopsOnUncaught) this.#uncaught = new UncaughtErrors({ logger: () => this.#log, stop })
    this.#listen()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The first request to stop, from the moment that it came, also during the delay. */
  get requested(): ShutdownRequestedError | undefined {
    return this.#requested
  }

  /** The uncaught error that stopped the runs, if any. */
  get uncaught(): UncaughtError | undefined {
    return this.#uncaught?.first
  }

  use(logger: Logger | undefined, graceMs: number): void {
    // Outside of runs there is nothing to stop: Node ends the process.
    if (this.#users === 0) this.#uncaught?.listen()
    this.#uncaught?.allow(graceMs)
    this.#users++
    this.#logger = logger ?? this.#logger
    this.#listen()
  }

  release(clean: boolean): void {
    this.#allClean &&= clean
    if (--this.#users > 0) return
    this.#uncaught?.leave(this.#allClean)
    for (const name of this.#signals) process.off(name, this.#receive)
    this.#listening = false
    if (process.pid === 1) for (const name of this.#signals) endAsProcess1(name)
    // The delay is for running work, and none is left.
    if (this.#requested !== undefined) this.#abort()
    else if (this.uncaught === undefined) return
    if (clean) unrefTimeout(() => this.#warnOfOpen(), LEFT_OPEN_MS)
  }

  /** A worker that hangs may hold what keeps the process alive. */
  exitSoon(): void {
    process.exitCode = HUNG_EXIT_CODE
    unrefTimeout(() => {
      log(this.#log, 'fatal', {}, 'a worker that hangs was left behind: the process exits')
      process.exit(HUNG_EXIT_CODE)
    }, LEFT_BEHIND_MS)
  }

  #listen(): void {
    if (this.#listening) return
    this.#listening = true
    for (const name of this.#signals) process.on(name, this.#receive)
  }

  readonly #receive = (name: NodeJS.Signals): void => {
    if (this.#requested === undefined) return this.#request(name)
    if (name === this.#repeatable) return
    log(this.#log, 'error', { signal: name }, 'second shutdown signal, exiting')
    process.exit(FORCED_EXIT_CODE)
  }

  #request(name: NodeJS.Signals): void {
    this.#requested = new ShutdownRequestedError(name)
    this.#repeatable = name
    // When the event loop was blocked, timers run before the signals that arrived meanwhile.
    const over = (): void => void macrotask().then(() => (this.#repeatable = undefined))
    unrefTimeout(over, SAME_REQUEST_MS)
    if (this.#delayMs === 0) this.#abort()
    else this.#delay = systemClock.setTimeout(() => this.#abort(), this.#delayMs)
  }

  #abort(): void {
    this.#delay?.clear()
    this.#controller.abort(this.#requested)
  }

  #warnOfOpen(): void {
    if (this.#users > 0) return
    const open = openResources()
    if (open === '') return
    const message = `all workers have ended, but open handles keep the process alive: ${open}`
    log(this.#log, 'warn', {}, message)
  }

  get #log(): Logger {
    return this.#logger ?? rootLogger()
  }
}

/** As 'TCPServerWrap, Timeout ×2'; '' if Node does not list them. */
function openResources(): string {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo?.() ?? []) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].map(([kind, count]) => (count === 1 ? kind : `${kind} ×${count}`)).join(', ')
}

/**
 * The kernel ignores signals that process 1 does not handle, so a listener stays that ends the process, unless there is another.
 */
function endAsProcess1(name: NodeJS.Signals): void {
  if (!process.listeners(name).includes(exitOn)) process.on(name, exitOn)
}

function exitOn(name: NodeJS.Signals): void {
  if (process.listenerCount(name) === 1) process.exit(128 + constants.signals[name])
}
