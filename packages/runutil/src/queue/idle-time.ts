import type { Clock } from '../core/clock.ts'
import type { JobStore } from './job-store.ts'
import type { StoreCalls } from './store-calls.ts'

export interface IdleTimeProps {
  readonly store: Pick<JobStore, 'quietFor'>
  readonly kinds: ReadonlyMap<string, unknown>
  readonly clock: Clock
  readonly pollIntervalMs: number
  readonly leaseMs: number
  readonly calls: Pick<StoreCalls, 'ask'>
}

/** A worker that is notified of new jobs polls so much less often. */
const SELDOM = 10
/** Spreads the polls of workers that wait for the same moment. */
const SPREAD_MS = 250

/**
 * How long a worker that has found nothing waits before it looks again: its poll interval or, where it would be notified of
 * new jobs and has found nothing twice, ten times that; no longer than until a job falls due or a lease runs out, and no
 * longer than its own lease, which others' claims are taken to have as well.
 */
export class IdleTime {
  readonly #props: IdleTimeProps
  #timesNothing = 0

  constructor(props: IdleTimeProps) {
    this.#props = props
  }

  /** There was something, or somebody said that there may be. */
  reset(): void {
    this.#timesNothing = 0
  }

  async next(): Promise<number> {
    const { store, kinds, clock, pollIntervalMs, leaseMs, calls } = this.#props
    if (this.#timesNothing++ < 2) return pollIntervalMs
    const quietMs = await calls.ask(() => store.quietFor([...kinds.keys()]))
    if (quietMs <= pollIntervalMs) return pollIntervalMs
    const apartMs = clock.random() * SPREAD_MS
    return Math.max(pollIntervalMs, Math.min(quietMs + apartMs, leaseMs, pollIntervalMs * SELDOM))
  }
}
