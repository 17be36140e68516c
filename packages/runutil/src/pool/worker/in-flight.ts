import type { Clock } from '../../core/clock.ts'
import type { WorkerError } from '../errors.ts'
import type { Task } from './task.ts'

export interface EndOfWorker {
  /** What it has begun of all that it hasn't answered: nobody knows; the first at most; nothing. */
  readonly begun: 'unknown' | 'first' | 'none'
  readonly failure: WorkerError
  readonly aheadFailure: () => WorkerError
}

/** What a worker was sent and hasn't answered. It does the first; the others were sent ahead. */
export class InFlight {
  readonly #clock: Clock
  #first: Task | undefined
  readonly #ahead: Task[] = []
  #answered = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get count(): number {
    return this.#first === undefined ? 0 : 1 + this.#ahead.length
  }

  /** How many have been. */
  get answered(): number {
    return this.#answered
  }

  get first(): Task | undefined {
    return this.#first
  }

  add(task: Task): void {
    if (this.#first === undefined) this.#begin(task)
    else this.#ahead.push(task)
  }

  /** The one that was answered; the next begins. */
  take(): Task {
    const first = this.#first!
    this.#first = undefined
    this.#answered++
    first.release()
    const next = this.#ahead.shift()
    if (next !== undefined) this.#begin(next)
    return first
  }

  /**
   * The worker has ended. Of those that were sent ahead nobody can tell how far it had come, unless it had asked to be
   * replaced: then it did one at most of those that came after.
   *
   * @returns those that it never began, the last one first: each goes before those that wait
   */
  end({ begun, failure, aheadFailure }: EndOfWorker): readonly Task[] {
    const first = this.#first
    const ahead = this.#ahead.splice(0)
    this.#first = undefined
    if (begun === 'unknown') {
      first?.reject(failure)
      for (const task of ahead) task.reject(aheadFailure())
      return []
    }
    const back = ahead.reverse()
    if (begun === 'none' && first !== undefined) back.push(first)
    else first?.reject(failure)
    for (const task of back) task.release()
    return back
  }

  #begin(task: Task): void {
    this.#first = task
    task.begin(this.#clock)
  }
}
