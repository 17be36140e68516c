/** A link in the ring of a slot; `next` is undefined outside of any. */
export interface Link<T> {
  next: Link<T> | undefined
  previous: Link<T> | undefined
}

/** The timers due in one millisecond: a circular list through the slot, because an array would reallocate each time. */
export class Slot<T extends Link<T>> implements Link<T> {
  due: number
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

  /** Removes the first timer; the others may be cleared or rescheduled meanwhile. */
  take(): T | undefined {
    if (this.next === this) return undefined
    const first = this.next as T
    Slot.remove(first)
    return first
  }

  /** Removes a timer from its slot; returns the slot if it is then empty. */
  static remove<T extends Link<T>>(timer: T): Slot<T> | undefined {
    const { next, previous } = timer
    previous!.next = next
    next!.previous = previous
    timer.next = timer.previous = undefined
    return next === previous ? (next as Slot<T>) : undefined
  }
}
