import { AsyncScope } from '../core/async-scope.ts'
import { setInBackground } from '../core/background-interval.ts'
import type { Clock, Timer } from '../core/clock.ts'
import { type Duration, toMs } from '../core/duration.ts'
import { InvalidDurationError } from '../core/errors.ts'
import { macrotask } from '../core/event-loop.ts'
import { checkOptions } from '../core/options.ts'

/** Options of a `VirtualClock`. */
export interface VirtualClockOptions {
  /** The initial value of `now()`, in ms since the Unix epoch. Default: 2000-01-01T00:00:00Z. */
  now?: number | undefined
  /** Jump to the next timer by itself whenever all code is waiting. Default false. */
  auto?: boolean | undefined
  /** The seed of `random()`. Default 1: each run of a test draws the same sequence. */
  seed?: number | undefined
}

/** After this many turns of the event loop without a timer set or cleared, all code is taken to be waiting. */
const QUIET_TURNS = 3
/** The most turns to wait for that, since an endless chain of 0 ms timers never ends. */
const MOST_TURNS = 1_000

/**
 * A clock that a test advances, so that a day of retries takes milliseconds.
 *
 * It knows which code waits for its timers, but not which waits for files or sockets: for such code, call `advance` and await
 * a Probe.
 *
 * @example
 * const clock = new VirtualClock()
 * const run = runAllWorkers([repeat('1h', job)], signal, { clock })
 * await clock.advance('1d')
 */
export class VirtualClock implements Clock {
  #now: number
  #elapsed = 0
  #random: number
  #auto: boolean
  #changes = 0
  #moving: Promise<void> = Promise.resolve()
  #jumping = false
  readonly #timers = new Set<VirtualTimer>()

  constructor(options: VirtualClockOptions = {}) {
    const {
      now = Date.UTC(2000, 0),
      auto = false,
      seed = 1,
    } = checkOptions('VirtualClock', options, ['now', 'auto', 'seed'])
    this.#now = now
    this.#auto = auto
    this.#random = seed >>> 0
  }

  now(): number {
    return this.#now
  }

  elapsed(): number {
    return this.#elapsed
  }

  /** The number of timers set, except those in the background: 0 after a run that has cleaned up. */
  get pending(): number {
    return [...this.#timers].filter((timer) => !timer.background).length
  }

  random(): number {
    // Mulberry32: small, and good enough for jitter.
    this.#random = (this.#random + 0x6d2b79f5) >>> 0
    let mixed = this.#random
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    return this.setTimeoutAt(callback, this.#elapsed + delayMs)
  }

  setTimeoutAt(callback: () => void, elapsedMs: number): Timer {
    return this.#timer(callback, elapsedMs, false)
  }

  /** A timer that no code waits for: it fires when time passes it, but the clock never jumps to it alone. */
  [setInBackground](callback: () => void, elapsedMs: number): Timer {
    return this.#timer(callback, elapsedMs, true)
  }

  #timer(callback: () => void, elapsedMs: number, background: boolean): Timer {
    const set = (timer: VirtualTimer, at: number): void => this.#set(timer, at)
    const clear = (cleared: VirtualTimer): void => this.#clear(cleared)
    const timer = new VirtualTimer({ callback, background, set, clear })
    this.#set(timer, elapsedMs)
    return timer
  }

  #set(timer: VirtualTimer, elapsedMs: number): void {
    if (Number.isNaN(elapsedMs)) {
      throw new InvalidDurationError('VirtualClock: expected the moment of a timer; got NaN')
    }
    this.#changes++
    timer.due = Math.max(this.#elapsed, elapsedMs)
    // A timer set again fires after all timers that were already set for the same moment.
    this.#timers.delete(timer)
    this.#timers.add(timer)
    // As on a real clock, a 0 ms timer fires in the next macrotask, without time passing.
    timer.immediate = timer.due === this.#elapsed
    if (timer.immediate) void macrotask().then(() => timer.immediate && this.#fire(timer))
    else if (this.#auto && !timer.background) this.#jump()
  }

  /** Sets the time of day, as a machine's clock is set; does not affect timers and `elapsed()`. @param now ms since the epoch */
  set(now: number): void {
    this.#now = now
  }

  /** Advances by `duration`: fires each timer in order, and lets the code that it wakes run before the next one. */
  advance(duration: Duration): Promise<void> {
    const ms = toMs(duration, 'advance')
    const moved = this.#moving.then(() => this.#moveTo(this.#elapsed + ms))
    this.#moving = moved.catch(() => {})
    return moved
  }

  async #moveTo(target: number): Promise<void> {
    await this.#settle()
    for (let next = this.#next(); next !== undefined && next.due <= target; next = this.#next()) {
      this.#setElapsed(next.due)
      this.#fire(next)
      await this.#settle()
    }
    this.#setElapsed(target)
  }

  /** Jumps from timer to timer until none is left. */
  #jump(): void {
    if (this.#jumping) return
    this.#jumping = true
    const jumps = async (): Promise<void> => {
      try {
        await this.#settle()
        for (let next = this.#next(); next !== undefined && this.pending > 0; next = this.#next()) {
          this.#setElapsed(Math.max(this.#elapsed, next.due))
          this.#fire(next)
          await this.#settle()
        }
      } finally {
        // In the same turn as the last check, so that a timer set later starts a new round.
        this.#jumping = false
      }
    }
    this.#moving = this.#moving.then(jumps)
  }

  #setElapsed(elapsed: number): void {
    this.#now += elapsed - this.#elapsed
    this.#elapsed = elapsed
  }

  #fire(timer: VirtualTimer): void {
    if (!this.#timers.delete(timer)) return
    this.#changes++
    timer.stores.run(timer.callback)
  }

  #clear(timer: VirtualTimer): void {
    if (this.#timers.delete(timer)) this.#changes++
  }

  /** The next timer that time has to pass for. Skips immediate ones, an endless chain of which must not stop time. */
  #next(): VirtualTimer | undefined {
    let first: VirtualTimer | undefined
    for (const timer of this.#timers) {
      if (timer.immediate) continue
      if (first === undefined || timer.due < first.due) first = timer
    }
    return first
  }

  async #settle(): Promise<void> {
    let quiet = 0
    for (let turn = 0; quiet < QUIET_TURNS && turn < MOST_TURNS; turn++) {
      const before = this.#changes
      await macrotask()
      quiet = this.#changes === before ? quiet + 1 : 0
    }
  }
}

interface VirtualTimerProps {
  readonly callback: () => void
  readonly background: boolean
  readonly set: (timer: VirtualTimer, elapsedMs: number) => void
  readonly clear: (timer: VirtualTimer) => void
}

class VirtualTimer implements Timer {
  readonly callback: () => void
  readonly background: boolean
  readonly stores = new AsyncScope()
  readonly #set: VirtualTimerProps['set']
  readonly #clear: VirtualTimerProps['clear']
  due = 0
  /** Fires by itself in the next macrotask. */
  immediate = false

  constructor({ callback, background, set, clear }: VirtualTimerProps) {
    this.callback = callback
    this.background = background
    this.#set = set
    this.#clear = clear
  }

  clear(): void {
    this.#clear(this)
  }

  restartAt(elapsedMs: number): void {
    this.#set(this, elapsedMs)
  }
}
