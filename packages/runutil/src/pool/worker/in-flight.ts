import type { Clock } from '../../core/clock.ts'
import type { WorkerError } from '../errors.ts'
import type { Task } from './task.ts'

export interface EndOfWorker {
  /** Which unanswered tasks the worker had started: unknown; at most the first; none. */
  readonly begun: 'unknown' | 'first' | 'none'
  readonly failure: WorkerError
  readonly aheadFailure: () => WorkerError
}

/** The unanswered tasks of a worker: it performs the first; the others were sent ahead. */
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

  /** How many tasks have been answered. */
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

  /** Removes the answered task; the next one begins. */
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
   * Removes all tasks, since the worker has ended. Whether it had started tasks sent ahead is unknown, unless it had asked to be
   * replaced: after that it performs at most one more.
   *
   * @returns the tasks that the worker never started, last one first, since each is put at the front of the queue
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
