import { importScope } from './async-scope.ts'
import { pop, push } from './clock-heap.ts'
import { Slot } from './clock-slot.ts'
import type { Clock, Timer } from './clock.ts'
import { InvalidDurationError } from './errors.ts'
import { CallbackTimer, type SystemTimer, type TimerQueue } from './system-timer.ts'

/** The longest delay that Node's setTimeout takes; it fires a longer one after 1 ms. */
const LONGEST_NATIVE_DELAY = 2 ** 31 - 1

const resolved = Promise.resolve()

/**
 * Real time. Timers due in the same millisecond share one slot, and one native timer waits for the
 * earliest slot: re-arming a ticker is a map lookup, where a native timer is a new async resource each time.
 */
export class SystemClock implements Clock, TimerQueue {
  readonly #slots = new Map<number, Slot<SystemTimer>>()
  readonly #heap: Slot<SystemTimer>[] = []
  /** An empty slot to use again: by then it is an old object, to which timers may refer without a write barrier. */
  #spare: Slot<SystemTimer> | undefined
  /** The slot used last, while it still exists. */
  #last: Slot<SystemTimer> | undefined
  #native: NodeJS.Timeout | undefined
  #armedFor = Infinity
  /** Looked up when a turn begins: the global is a getter, which costs as much as the clock, and tests of a program may replace it. */
  #performance = performance
  /** The time of this turn; NaN until a new turn reads it. */
  #turn = NaN

  now(): number {
    return Date.now()
  }

  elapsed(): number {
    if (Number.isNaN(this.#turn)) {
      this.#turn = this.#readTime()
      // Not queueMicrotask: its async resource has another shape than a promise, and with AsyncLocalStorage in use
      // Node 20 then takes the slow path for every promise of the process.
      void resolved.then(this.#endTurn)
    }
    return this.#turn
  }

  elapsedNow(): number {
    const now = this.#performance.now()
    if (!Number.isNaN(this.#turn)) this.#turn = now
    return now
  }

  #readTime(): number {
    this.#performance = performance
    return this.#performance.now()
  }

  random(): number {
    return Math.random()
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer = new CallbackTimer(this, callback)
    // Not `elapsed()`: in a turn that began a while ago, the timer would fire early.
    if (delayMs <= 0) timer.immediately()
    else this.add(timer, performance.now() + delayMs)
    return timer
  }

  setTimeoutAt(callback: () => void, elapsedMs: number, entersStores = false): Timer {
    const timer = new CallbackTimer(this, callback, entersStores)
    timer.restartAt(elapsedMs)
    return timer
  }

  /** Schedules the timer for that moment, or for the next turn if it has passed. */
  add(timer: SystemTimer, at: number): void {
    const due = Math.ceil(at)
    // NaN compares with nothing: it would stay on top of the heap forever, and no other timer would fire.
    if (Number.isNaN(due)) throw new InvalidDurationError('clock: expected the time of a timer; got NaN')
    // Tickers that tick together use the same slot, one after another.
    let slot = this.#last?.due === due ? this.#last : this.#slots.get(due)
    if (slot === undefined) {
      // An existing slot fires on time, so the time is read only here. Not `elapsed()`: the promise that ends its turn would
      // show Node 20's hooks a second kind of resource, which makes them slower for all promises.
      if (at <= performance.now()) return timer.immediately()
      slot = this.#newSlot(due)
      this.#slots.set(due, slot)
      push(this.#heap, slot)
      if (due < this.#armedFor) this.#arm()
    }
    if (this.#last !== slot) this.#last = slot
    slot.add(timer)
  }

  remove(timer: SystemTimer): void {
    const emptied = Slot.remove(timer)
    if (emptied !== undefined && this.#slots.get(emptied.due) === emptied) this.#forget(emptied)
  }

  #newSlot(due: number): Slot<SystemTimer> {
    const slot = this.#spare ?? new Slot(due)
    this.#spare = undefined
    slot.due = due
    return slot
  }

  readonly #endTurn = (): void => {
    this.#turn = NaN
  }

  #forget(slot: Slot<SystemTimer>): void {
    this.#drop(slot)
    if (this.#slots.size === 0) this.#arm()
    if (this.#heap.length > 2 * this.#slots.size + 64) {
      this.#heap.length = 0
      for (const other of this.#slots.values()) push(this.#heap, other)
    }
  }

  #drop(slot: Slot<SystemTimer>): void {
    this.#slots.delete(slot.due)
    if (this.#last === slot) this.#last = undefined
  }

  /** The earliest slot. Dropped slots stay in the heap until they reach its top; they are skipped. */
  #earliest(): Slot<SystemTimer> | undefined {
    let slot = this.#heap[0]
    for (; slot !== undefined && this.#slots.get(slot.due) !== slot; slot = this.#heap[0]) pop(this.#heap)
    return slot
  }

  #arm(): void {
    clearTimeout(this.#native)
    const next = this.#earliest()
    this.#armedFor = next?.due ?? Infinity
    if (next === undefined) return
    // Node warns about a negative delay.
    const delay = Math.max(1, Math.ceil(next.due - performance.now()))
    this.#native = importScope.runInAsyncScope(armNative, undefined, this.#fire, delay)
  }

  readonly #fire = (): void => {
    const now = (this.#turn = this.#readTime())
    for (let slot = this.#earliest(); slot !== undefined && slot.due <= now; slot = this.#earliest()) {
      this.#drop(slot)
      pop(this.#heap)
      for (let timer = slot.take(); timer !== undefined; timer = slot.take()) fire(timer)
      this.#spare = slot
    }
    this.#turn = NaN
    this.#arm()
  }
}

function fire(timer: SystemTimer): void {
  try {
    timer.fire()
  } catch (error) {
    // As with a native timer: an uncaught exception of the process, and the other timers still run.
    queueMicrotask(() => {
      throw error
    })
  }
}

function armNative(fire: () => void, delayMs: number): NodeJS.Timeout {
  return setTimeout(fire, Math.min(delayMs, LONGEST_NATIVE_DELAY))
}

/** Fires `own` at that moment, then whenever it is restarted; a clock of another kind has a timer of its own for that. */
export function timerFor(own: SystemTimer, clock: Clock, at: number): Timer {
  if (!(clock instanceof SystemClock)) return clock.setTimeoutAt(() => own.fire(), at, true)
  own.queue = clock
  own.restartAt(at)
  return own
}

/** The clock of a run that was given no other: the system's time, timers and randomness. */
export const systemClock: Clock = new SystemClock()
