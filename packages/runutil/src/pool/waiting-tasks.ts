import type { Clock, Timer } from '../core/clock.ts'
import type { Task, TaskHolder } from './worker/task.ts'

/**
 * The tasks waiting for a free worker, in FIFO order; a list linked through the tasks, so that one can be removed from the
 * middle. One timer serves all tasks: it is set to the earliest deadline, and reset when it fires.
 */
export class WaitingTasks implements TaskHolder {
  #clock: Clock
  readonly #allocateMs: number
  readonly #late: (task: Task) => void
  #first: Task | undefined
  #last: Task | undefined
  #length = 0
  #timer: Timer | undefined

  /** @param late called with each task that has waited for `allocateMs`, after its removal from the queue */
  constructor(clock: Clock, allocateMs: number, late: (task: Task) => void) {
    this.#clock = clock
    this.#allocateMs = allocateMs
    this.#late = late
  }

  get length(): number {
    return this.#length
  }

  push(task: Task): void {
    this.#enter(task, this.#last, undefined)
  }

  /** Puts a task that needs another worker at the front. */
  unshift(task: Task): void {
    this.#enter(task, undefined, this.#first)
  }

  get first(): Task | undefined {
    return this.#first
  }

  remove(task: Task): void {
    if (!task.waiting) return
    const { before, after } = task
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    task.before = task.after = undefined
    task.waiting = false
    task.holder = undefined
    this.#length--
  }

  /** Switches to another clock; the remaining time of each task stays the same. */
  useClock(clock: Clock): void {
    const shift = clock.elapsed() - this.#clock.elapsed()
    this.#clock = clock
    if (this.#timer === undefined) return
    for (let task = this.#first; task !== undefined; task = task.after) task.deadline += shift
    this.#timer.clear()
    this.#timer = clock.setTimeoutAt(this.#expire, clock.elapsed())
  }

  /** Clears the timer with the last task, so that it doesn't keep the process alive. */
  abandon(task: Task): void {
    this.remove(task)
    if (this.#length > 0) return
    this.#timer?.clear()
    this.#timer = undefined
  }

  hold(): void {}

  endStream(): boolean {
    return false
  }

  rejectAll(error: Error): void {
    this.#timer?.clear()
    this.#timer = undefined
    for (let task = this.#first; task !== undefined; task = this.#first) {
      this.remove(task)
      task.reject(error)
    }
  }

  #enter(task: Task, before: Task | undefined, after: Task | undefined): void {
    task.holder = this
    task.before = before
    task.after = after
    task.waiting = true
    if (before === undefined) this.#first = task
    else before.after = task
    if (after === undefined) this.#last = task
    else after.before = task
    this.#length++
    task.deadline = this.#clock.elapsed() + this.#allocateMs
    this.#timer ??= this.#clock.setTimeoutAt(this.#expire, task.deadline)
  }

  readonly #expire = (): void => {
    const now = this.#clock.elapsed()
    let next = Infinity
    let after: Task | undefined
    for (let task = this.#first; task !== undefined; task = after) {
      after = task.after
      if (task.deadline > now) next = Math.min(next, task.deadline)
      else {
        this.remove(task)
        this.#late(task)
      }
    }
    this.#timer = next === Infinity ? undefined : this.#clock.setTimeoutAt(this.#expire, next)
  }
}
