import { AsyncScope, importScope } from './async-scope.ts'
import { pop, push } from './clock-heap.ts'
import { type Link, Slot } from './clock-slot.ts'
import type { Clock, Timer } from './clock.ts'
import { InvalidDurationError } from './errors.ts'

/** Node fires a longer timer after 1 ms. */
const LONGEST_NATIVE_DELAY = 2 ** 31 - 1

const resolved = Promise.resolve()

/**
 * Real time. Timers due in the same millisecond share one slot, and one native timer waits for the
 * earliest slot: re-arming a ticker is a map lookup, where a native timer is a new async resource each time.
 */
export class SystemClock implements Clock {
  readonly #slots = new Map<number, Slot<SystemTimer>>()
  readonly #heap: Slot<SystemTimer>[] = []
  /** The slot that was looked for last, as long as it is one. */
  #last: Slot<SystemTimer> | undefined
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
      // No queueMicrotask: its async resource is of another shape than a promise, and with AsyncLocalStorage in use
      // Node 20 then takes the slow way for each promise of the process.
      void resolved.then(this.#endTurn)
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

  setTimeoutAt(callback: () => void, elapsedMs: number, entersStores = false): Timer {
    const timer = new SystemTimer(this, callback, entersStores)
    timer.restartAt(elapsedMs)
    return timer
  }

  /** Has it fire at that moment; in the next turn if that is over. */
  add(timer: SystemTimer, at: number): void {
    const due = Math.ceil(at)
    // It compares with nothing, so it would lie on top of the heap for ever and no other timer would fire.
    if (Number.isNaN(due)) throw new InvalidDurationError('expected a moment; got NaN')
    // Tickers that tick together look for the same slot, one after another.
    let slot = this.#last?.due === due ? this.#last : this.#slots.get(due)
    if (slot === undefined) {
      // One that is there fires in its time, so only here is the time looked at. Not `elapsed()`: the promise that ends its
      // turn would have Node 20's hooks see a second kind of resource, which makes them slower for all promises.
      if (at <= performance.now()) return timer.immediately()
      this.#slots.set(due, (slot = new Slot(due)))
      push(this.#heap, slot)
      if (due < this.#armedFor) this.#arm()
    }
    this.#last = slot
    slot.add(timer)
  }

  remove(timer: SystemTimer): void {
    const emptied = Slot.remove(timer)
    if (emptied !== undefined && this.#slots.get(emptied.due) === emptied) this.#forget(emptied)
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

  /** The earliest slot. Those that were dropped since lie about in the heap; nobody must wait for them. */
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
    // Node warns of a negative one.
    const delay = Math.max(1, Math.ceil(next.due - performance.now()))
    this.#native = importScope.runInAsyncScope(armNative, undefined, this.#fire, delay)
  }

  readonly #fire = (): void => {
    const now = performance.now()
    for (let slot = this.#earliest(); slot !== undefined && slot.due <= now; slot = this.#earliest()) {
      this.#drop(slot)
      pop(this.#heap)
      for (let timer = slot.take(); timer !== undefined; timer = slot.take()) timer.fire()
    }
    this.#arm()
  }
}

function armNative(fire: () => void, delayMs: number): NodeJS.Timeout {
  return setTimeout(fire, Math.min(delayMs, LONGEST_NATIVE_DELAY))
}

class SystemTimer implements Timer, Link<SystemTimer> {
  readonly #clock: SystemClock
  readonly #callback: () => void
  /** One native timer serves all: it has the stores of none. */
  readonly #stores: AsyncScope | undefined
  #immediate: NodeJS.Immediate | undefined
  next: Link<SystemTimer> | undefined
  previous: Link<SystemTimer> | undefined

  constructor(clock: SystemClock, callback: () => void, entersStores = false) {
    this.#clock = clock
    this.#callback = callback
    this.#stores = entersStores ? undefined : new AsyncScope()
  }

  clear(): void {
    if (this.next !== undefined) this.#clock.remove(this)
    clearImmediate(this.#immediate)
  }

  restartAt(elapsedMs: number): void {
    this.clear()
    this.#clock.add(this, elapsedMs)
  }

  immediately(): void {
    this.#immediate = setImmediate(() => this.fire())
  }

  fire(): void {
    try {
      if (this.#stores === undefined) this.#callback()
      else this.#stores.run(this.#callback)
    } catch (error) {
      // As a native timer would: the process hears of it, the other timers still run.
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

export const systemClock: Clock = new SystemClock()
