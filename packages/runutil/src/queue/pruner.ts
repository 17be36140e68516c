import type { Clock } from '../core/clock.ts'
import type { JobStore } from './job-store.ts'

const EVERY_MS = 60_000
const AT_ONCE = 1_000

/** Removes ended jobs whose retention is over, a small batch at a time, when the worker has nothing else to do. */
export class Pruner {
  readonly #store: JobStore
  readonly #clock: Clock
  readonly #retentionMs: number
  #next: number

  constructor(store: JobStore, clock: Clock, retentionMs: number) {
    this.#store = store
    this.#clock = clock
    this.#retentionMs = retentionMs
    this.#next = clock.elapsed()
  }

  async prune(): Promise<void> {
    const now = this.#clock.elapsed()
    if (now < this.#next) return
    const removed = await this.#store.prune(this.#retentionMs, AT_ONCE)
    // While there is more, each idle moment takes some.
    if (removed < AT_ONCE) this.#next = now + EVERY_MS
  }
}
