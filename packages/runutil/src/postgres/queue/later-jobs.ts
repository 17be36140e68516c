import type { Clock, Timer } from '../../core/clock.ts'
import { type JobCount, sumCounts } from './notice.ts'

interface DueBatch {
  readonly timer: Timer
  readonly counts: JobCount[]
}

/** The minimum time between two wake-ups, so that a flood of notifications can't cause more. */
const MIN_INTERVAL_MS = 250

/** Jobs that a notification announced before they are due. */
export class LaterJobs {
  readonly #clock: Clock
  readonly #onDue: (counts: JobCount[]) => void
  readonly #batches = new Map<number, DueBatch>()

  constructor(clock: Clock, onDue: (counts: JobCount[]) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  add({ kind, count, inMs }: JobCount): void {
    const at = Math.ceil((this.#clock.elapsed() + inMs) / MIN_INTERVAL_MS) * MIN_INTERVAL_MS
    const { counts } = this.#batches.get(at) ?? this.#begin(at)
    counts.splice(0, Infinity, ...sumCounts([...counts, { kind, count, inMs: 0 }]))
  }

  stop(): void {
    for (const { timer } of this.#batches.values()) timer.clear()
    this.#batches.clear()
  }

  #begin(at: number): DueBatch {
    const batch = { timer: this.#clock.setTimeoutAt(() => this.#due(at), at), counts: [] }
    this.#batches.set(at, batch)
    return batch
  }

  #due(at: number): void {
    const { counts } = this.#batches.get(at)!
    this.#batches.delete(at)
    this.#onDue(counts)
  }
}
