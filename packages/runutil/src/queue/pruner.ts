import type { Clock } from '../core/clock.ts'
import { sleep } from '../core/wait.ts'
import type { ResolvedRetention } from './retention.ts'

/** It looks as often as jobs may be over, within these. */
const LEAST_MS = 1_000
const MOST_MS = 60_000
/** Between two batches: others get to the store, too. */
const LEAST_PAUSE_MS = 20

export interface PrunerProps {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly retention: ResolvedRetention
  /** Removes a batch. @returns whether there is more */
  readonly prune: () => Promise<boolean>
}

/**
 * Removes ended jobs whose retention is over: by time, however busy the worker is. While there is more, it takes half of
 * the time.
 */
export async function pruneUntilStopped({ clock, signal, retention, prune }: PrunerProps): Promise<void> {
  const everyMs = Math.max(LEAST_MS, Math.min(retention.doneMs, retention.failedMs, MOST_MS))
  while (!signal.aborted) {
    const from = clock.elapsed()
    const more = await prune()
    const tookMs = clock.elapsed() - from
    await sleep(clock, more ? Math.max(LEAST_PAUSE_MS, tookMs) : everyMs, signal)
  }
}
