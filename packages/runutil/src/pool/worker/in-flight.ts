import type { Clock } from '../../core/clock.ts'
import type { WorkerError } from '../errors.ts'
import type { Assignment } from './assignment.ts'

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

  /** The worker has ended: with those that were sent ahead, as nobody can tell how far it had come. */
  fail(error: WorkerError): void {
    const all = [this.#first, ...this.#ahead.splice(0)]
    this.#first = undefined
    for (const assignment of all) assignment?.failed(error)
  }

  #begin(assignment: Assignment): void {
    this.#first = assignment
    assignment.begin(this.#clock)
  }
}
