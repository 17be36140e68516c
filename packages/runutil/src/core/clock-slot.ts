/** A place in the ring of a slot; `next` is undefined outside of any. */
export interface Link<T> {
  next: Link<T> | undefined
  previous: Link<T> | undefined
}

/** The timers due in one millisecond: a ring that the slot itself closes, for an array would grow anew each time. */
export class Slot<T extends Link<T>> implements Link<T> {
  due = 0
  next: Link<T> | undefined = this
  previous: Link<T> | undefined = this

  add(timer: T): void {
    const last = this.previous!
    timer.previous = last
    timer.next = this
    last.next = timer
    this.previous = timer
  }

  /** Takes the first timer out: the others may be cleared or set for later meanwhile. */
  take(): T | undefined {
    if (this.next === this) return undefined
    const first = this.next as T
    Slot.remove(first)
    return first
  }

  /** Takes a timer out of its slot, and returns the slot if that was its last. */
  static remove<T extends Link<T>>(timer: T): Slot<T> | undefined {
    const { next, previous } = timer
    previous!.next = next
    next!.previous = previous
    timer.next = undefined
    timer.previous = undefined
    return next === previous ? (next as Slot<T>) : undefined
  }
}
