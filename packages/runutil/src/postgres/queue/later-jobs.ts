import type { Clock, Timer } from '../../core/clock.ts'
import { type JobCount, sumCounts } from './notice.ts'

interface Moment {
  readonly timer: Timer
  readonly counts: JobCount[]
}

/** The minimum time between two wake-ups, so that a flood of notifications can't cause more. */
const APART_MS = 250

/** Jobs that a notification announced before they are due. */
export class LaterJobs {
  readonly #clock: Clock
  readonly #onDue: (counts: JobCount[]) => void
  readonly #moments = new Map<number, Moment>()

  constructor(clock: Clock, onDue: (counts: JobCount[]) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  add({ kind, count, inMs }: JobCount): void {
    const at = Math.ceil((this.#clock.elapsed() + inMs) / APART_MS) * APART_MS
    const { counts } = this.#moments.get(at) ?? this.#begin(at)
    counts.splice(0, Infinity, ...sumCounts([...counts, { kind, count, inMs: 0 }]))
  }

  stop(): void {
    for (const { timer } of this.#moments.values()) timer.clear()
    this.#moments.clear()
  }

  #begin(at: number): Moment {
    const moment = { timer: this.#clock.setTimeoutAt(() => this.#due(at), at), counts: [] }
    this.#moments.set(at, moment)
    return moment
  }

  #due(at: number): void {
    const { counts } = this.#moments.get(at)!
    this.#moments.delete(at)
    this.#onDue(counts)
  }
}
