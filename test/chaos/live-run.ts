import type { WorkerFacts } from './facts.ts'
import type { Hold } from './holds.ts'
import type { Run } from './ledger.ts'

/**
 * Until when a run counts, on the machine's clock: to the end of its handler, or of its process if that was killed, or
 * of its lease. A handler that was frozen, or cut off from the database, may go on after its lease: nobody can keep it
 * from that, others may run in its place by then, and it isn't counted against limits any more.
 */
export function liveUntil(
  run: Run,
  hold: Hold | undefined,
  workers: ReadonlyMap<string, WorkerFacts>,
): number {
  // The wall clock's ms in which it started had begun up to 1 ms before it.
  const leaseUntil = run.startedAt + ((hold?.lapsedAt ?? Infinity) - run.startedWall - 1)
  return Math.min(run.endedAt ?? Infinity, workers.get(run.worker)!.diedAt, leaseUntil)
}
