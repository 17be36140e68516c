/** A place in the ring of a slot; `next` is undefined outside of any. */
export interface Link<T> {
  next: Link<T> | undefined
  previous: Link<T> | undefined
}

/** The timers due in one millisecond: a ring that the slot itself closes, for an array would grow anew each time. */
export class Slot<T extends Link<T>> implements Link<T> {
  readonly due: number
  next: Link<T> | undefined = this
  previous: Link<T> | undefined = this

  constructor(due: number) {
    this.due = due
  }

  add(timer: T): void {
    timer.next = this
    timer.previous = this.previous
    this.previous = this.previous!.next = timer
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
    timer.next = timer.previous = undefined
    return next === previous ? (next as Slot<T>) : undefined
  }
}
