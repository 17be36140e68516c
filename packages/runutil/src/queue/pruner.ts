import type { Clock } from '../core/clock.ts'
import { sleep } from '../core/wait.ts'
import type { ResolvedRetention } from './retention.ts'

/** The bounds of the interval between checks, which follows the retention. */
const LEAST_MS = 1_000
const MOST_MS = 60_000
/** Between two batches, so that other calls get through to the store. */
const LEAST_PAUSE_MS = 20

export interface PrunerProps {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly retention: ResolvedRetention
  /** Removes a batch. @returns whether there is more */
  readonly prune: () => Promise<boolean>
}

/**
 * Removes ended jobs whose retention is over, on a timer, however busy the worker is. While there are more, it uses half of
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
