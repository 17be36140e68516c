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

/** How many times longer the poll interval is for a worker that is notified of new jobs. */
const SELDOM = 10
/** Spreads the polls of workers that wait for the same time. */
const SPREAD_MS = 250

/**
 * How long a worker that has found no job waits before the next poll: its poll interval or, if it is notified of new jobs
 * and has found none twice in a row, ten times that; at most until a job falls due or a lease expires, and at most its own
 * lease, since other workers' leases are assumed to be as long.
 */
export class IdleTime {
  readonly #props: IdleTimeProps
  #timesNothing = 0

  constructor(props: IdleTimeProps) {
    this.#props = props
  }

  /** Called when jobs were found or a notification arrived. */
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
