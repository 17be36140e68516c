import type { Clock, Timer } from '../core/clock.ts'
import type { Task } from './task.ts'

export interface WaitingTasksProps {
  readonly clock: () => Clock
  readonly allocateMs: number
  readonly late: (task: Task) => void
}

/**
 * The tasks that no worker was free for, first come first served; a list linked through the tasks, so that one can
 * leave from the middle. One timer serves them all: it is set for the earliest deadline, and looks again then.
 */
export class WaitingTasks {
  readonly #props: WaitingTasksProps
  #first: Task | undefined
  #last: Task | undefined
  #length = 0
  #timer: Timer | undefined

  constructor(props: WaitingTasksProps) {
    this.#props = props
  }

  get length(): number {
    return this.#length
  }

  push(task: Task): void {
    this.#enter(task, this.#last, undefined)
  }

  /** For a task that had its turn, and needs another worker. */
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
    this.#length--
  }

  /** As remove, of one that nobody waits for any more. The last of them mustn't keep the process. */
  giveUp(task: Task): void {
    this.remove(task)
    if (this.#length > 0) return
    this.#timer?.clear()
    this.#timer = undefined
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
    const { clock, allocateMs } = this.#props
    task.before = before
    task.after = after
    task.waiting = true
    if (before === undefined) this.#first = task
    else before.after = task
    if (after === undefined) this.#last = task
    else after.before = task
    this.#length++
    task.deadline = clock().elapsed() + allocateMs
    this.#timer ??= clock().setTimeoutAt(this.#expire, task.deadline)
  }

  readonly #expire = (): void => {
    const { clock, late } = this.#props
    const now = clock().elapsed()
    let next = Infinity
    let after: Task | undefined
    for (let task = this.#first; task !== undefined; task = after) {
      after = task.after
      if (task.deadline > now) next = Math.min(next, task.deadline)
      else {
        this.remove(task)
        late(task)
      }
    }
    this.#timer = next === Infinity ? undefined : clock().setTimeoutAt(this.#expire, next)
  }
}
