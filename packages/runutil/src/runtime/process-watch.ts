import { constants } from 'node:os'
import type { Logger } from 'pino'
import { systemClock } from '../core/clock-system.ts'
import type { Timer } from '../core/clock.ts'
import { rootLogger } from '../core/context.ts'
import { macrotask, unrefTimeout } from '../core/event-loop.ts'
import { linkedController } from '../core/linked-controller.ts'
import { log } from '../core/log.ts'
import { ShutdownRequestedError } from './errors.ts'

/** What the process exits with when it is told a second time. */
const FORCED_EXIT_CODE = 16
/** For so long, the same signal again is one that was passed on, not a second one. */
const SAME_REQUEST_MS = 500
/** After a clean end, what is still open then keeps the process up. */
const LEFT_OPEN_MS = 5_000

/**
 * Listens to the process's signals for a `shutdownSignal()`.
 *
 * listening ─► requested ─► aborted, at once or after the delay. It listens from the start on, so that a request isn't
 * missed before the first run, until the last run has ended, and anew when another begins.
 */
export class ProcessWatch {
  readonly #controller = linkedController()
  readonly #signals: readonly NodeJS.Signals[]
  readonly #delayMs: number
  #listening = false
  #requested: ShutdownRequestedError | undefined
  /** The first request, for as long as it may come twice. */
  #repeatable: NodeJS.Signals | undefined
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

  release(clean: boolean): void {
    if (--this.#users > 0) return
    for (const name of this.#signals) process.off(name, this.#receive)
    this.#listening = false
    if (process.pid === 1) for (const name of this.#signals) endAsFirst(name)
    // Nothing is left that would go on during the delay.
    if (this.#requested === undefined) return
    this.#abort()
    if (clean) unrefTimeout(() => this.#warnOfOpen(), LEFT_OPEN_MS)
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
    // After a loop that was blocked, timers come before the signals that arrived meanwhile.
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
    const message = `all workers have ended, but the process stays up for what is still open: ${open}`
    log(this.#log, 'warn', {}, message)
  }

  get #log(): Logger {
    return this.#logger ?? rootLogger()
  }
}

/** As 'TCPServerWrap, Timeout ×2'; '' where it can't be told. */
function openResources(): string {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo?.() ?? []) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].map(([kind, count]) => (count === 1 ? kind : `${kind} ×${count}`)).join(', ')
}

/**
 * The first process of a container isn't ended by a signal that nobody handles: a listener stays that does it, unless
 * somebody else listens.
 */
function endAsFirst(name: NodeJS.Signals): void {
  if (!process.listeners(name).includes(exitOf)) process.on(name, exitOf)
}

function exitOf(name: NodeJS.Signals): void {
  if (process.listenerCount(name) === 1) process.exit(128 + constants.signals[name])
}
