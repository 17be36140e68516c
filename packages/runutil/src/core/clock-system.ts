import type { Clock, Timer } from './clock.ts'
import { pop, push } from './clock-heap.ts'
import { InvalidDurationError } from './errors.ts'

/** Node fires a longer timer after 1 ms. */
const LONGEST_NATIVE_DELAY = 2 ** 31 - 1

/**
 * Real time. Timers due in the same millisecond share one slot, and one native timer waits for the
 * earliest slot: re-arming a ticker is a map lookup, where a native timer each costs an async resource.
 */
export class SystemClock implements Clock {
  readonly #slots = new Map<number, Slot>()
  readonly #heap: Slot[] = []
  /** The slot that was looked for last, as long as it is one. */
  #last: Slot | undefined
  #native: NodeJS.Timeout | undefined
  #armedFor = Infinity
  /** The time of this turn; NaN when a new turn has to look. */
  #turn = NaN

  now(): number {
    return Date.now()
  }

  elapsed(): number {
    if (Number.isNaN(this.#turn)) {
      this.#turn = performance.now()
      queueMicrotask(this.#endTurn)
    }
    return this.#turn
  }

  random(): number {
    return Math.random()
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer = new SystemTimer(this, callback)
    // Measured now: a turn that began a while ago would make it early.
    if (delayMs <= 0) timer.immediately()
    else this.add(timer, performance.now() + delayMs)
    return timer
  }

  setTimeoutAt(callback: () => void, elapsedMs: number): Timer {
    const timer = new SystemTimer(this, callback)
    timer.restartAt(elapsedMs)
    return timer
  }

  add(timer: SystemTimer, at: number): void {
    const due = Math.ceil(at)
    // It compares with nothing, so it would lie on top of the heap for ever and no other timer would fire.
    if (Number.isNaN(due)) throw new InvalidDurationError('expected a moment; got NaN')
    // Tickers that tick together look for the same slot, one after another.
    let slot = this.#last?.due === due ? this.#last : this.#slots.get(due)
    if (slot === undefined) {
      slot = new Slot(due, this.#forget)
      this.#slots.set(due, slot)
      push(this.#heap, slot)
      if (due < this.#armedFor) this.#arm()
    }
    this.#last = slot
    slot.add(timer)
  }

  readonly #endTurn = (): void => {
    this.#turn = NaN
  }

  readonly #forget = (slot: Slot): void => {
    this.#drop(slot)
    if (this.#slots.size === 0) this.#arm()
    if (this.#heap.length > 2 * this.#slots.size + 64) {
      this.#heap.length = 0
      for (const other of this.#slots.values()) push(this.#heap, other)
    }
  }

  #drop(slot: Slot): void {
    this.#slots.delete(slot.due)
    if (this.#last === slot) this.#last = undefined
  }

  /** The earliest slot. Those that were dropped since lie about in the heap; nobody must wait for them. */
  #earliest(): Slot | undefined {
    let slot = this.#heap[0]
    for (; slot !== undefined && this.#slots.get(slot.due) !== slot; slot = this.#heap[0]) pop(this.#heap)
    return slot
  }

  #arm(): void {
    clearTimeout(this.#native)
    const next = this.#earliest()
    this.#armedFor = next?.due ?? Infinity
    if (next === undefined) return
    const delay = Math.ceil(next.due - performance.now())
    this.#native = setTimeout(this.#fire, Math.min(delay, LONGEST_NATIVE_DELAY))
  }

  readonly #fire = (): void => {
    const now = performance.now()
    for (let slot = this.#earliest(); slot !== undefined && slot.due <= now; slot = this.#earliest()) {
      this.#drop(slot)
      slot.fire()
    }
    this.#arm()
  }
}

class Slot {
  readonly due: number
  readonly #timers: SystemTimer[] = []
  #firing = false
  readonly #forget: (slot: Slot) => void

  constructor(due: number, forget: (slot: Slot) => void) {
    this.due = due
    this.#forget = forget
  }

  add(timer: SystemTimer): void {
    timer.place = this
    timer.at = this.#timers.push(timer) - 1
  }

  /** The last timer takes the place of the removed one. */
  clear(timer: SystemTimer): void {
    if (this.#firing) return
    const last = this.#timers.pop()!
    if (last !== timer) {
      this.#timers[timer.at] = last
      last.at = timer.at
    }
    if (this.#timers.length === 0) this.#forget(this)
  }

  /** One that another of the slot clears before its turn, or sets for later, is not called now. */
  fire(): void {
    this.#firing = true
    for (const timer of this.#timers) {
      if (timer.place === this) timer.fire()
    }
  }
}

class SystemTimer implements Timer {
  readonly #clock: SystemClock
  readonly #callback: () => void
  /** What it waits in. */
  place: { clear(timer: SystemTimer): void } | undefined
  at = 0

  constructor(clock: SystemClock, callback: () => void) {
    this.#clock = clock
    this.#callback = callback
  }

  clear(): void {
    const { place } = this
    this.place = undefined
    place?.clear(this)
  }

  restartAt(elapsedMs: number): void {
    this.clear()
    if (elapsedMs <= this.#clock.elapsed()) this.immediately()
    else this.#clock.add(this, elapsedMs)
  }

  immediately(): void {
    const handle = setImmediate(() => this.fire())
    this.place = { clear: () => clearImmediate(handle) }
  }

  fire(): void {
    this.place = undefined
    try {
      this.#callback()
    } catch (error) {
      // As a native timer would: the process hears of it, the other timers still run.
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
