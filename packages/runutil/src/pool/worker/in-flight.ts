import type { Clock } from '../../core/clock.ts'
import type { WorkerError } from '../errors.ts'
import type { Assignment } from './assignment.ts'

export interface EndOfWorker {
  /** What it has begun of all that it hasn't answered: nobody knows; the first at most; nothing. */
  readonly begun: 'unknown' | 'first' | 'none'
  readonly failure: WorkerError
  readonly aheadFailure: () => WorkerError
}

/** What a worker was sent and hasn't answered. It does the first; the others were sent ahead. */
export class InFlight {
  readonly #clock: Clock
  #first: Assignment | undefined
  readonly #ahead: Assignment[] = []
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

  get first(): Assignment | undefined {
    return this.#first
  }

  add(assignment: Assignment): void {
    if (this.#first === undefined) this.#begin(assignment)
    else this.#ahead.push(assignment)
  }

  /** The one that was answered; the next begins. */
  take(): Assignment {
    const first = this.#first!
    this.#first = undefined
    this.#answered++
    const next = this.#ahead.shift()
    if (next !== undefined) this.#begin(next)
    return first
  }

  /**
   * The worker has ended. Of those that were sent ahead nobody can tell how far it had come, unless it had asked to be
   * replaced: then it did one at most of those that came after.
   */
  end({ begun, failure, aheadFailure }: EndOfWorker): void {
    const first = this.#first
    const ahead = this.#ahead.splice(0)
    this.#first = undefined
    if (begun === 'unknown') {
      first?.failed(failure)
      for (const assignment of ahead) assignment.failed(aheadFailure())
      return
    }
    // Each goes before those that wait, so the last goes first.
    for (const assignment of ahead.reverse()) assignment.handedBack()
    if (begun === 'none') first?.handedBack()
    else first?.failed(failure)
  }

  #begin(assignment: Assignment): void {
    this.#first = assignment
    assignment.begin(this.#clock)
  }
}
