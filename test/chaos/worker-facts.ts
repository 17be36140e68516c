import type { WorkerFacts } from './facts.ts'
import { grouped } from './grouped.ts'
import type { Ledgers, Run } from './ledger.ts'
import type { PlannedJob } from './planned-job.ts'
import type { Span, WorkerProcess } from './worker-process.ts'

/** What was done to each worker and what it says of itself, put together. */
export function workerFacts(
  all: readonly WorkerProcess[],
  { runs, stallsOf }: Ledgers,
  planned: ReadonlyMap<string, PlannedJob>,
): Map<string, WorkerFacts> {
  const runsOf = grouped(runs, ({ worker }) => worker)
  return new Map(all.map((worker) => [worker.name, factsOf(worker, runsOf.get(worker.name) ?? [])]))

  function factsOf(worker: WorkerProcess, runs: readonly Run[]): WorkerFacts {
    const { name, diedAt, diedWall, killedWall, toldWall, frozen, complaint } = worker
    const fateOf = ({ id }: Run): string | undefined => planned.get(id)?.payload.fate
    const poisoned =
      killedWall === Infinity && runs.some((run) => run.end === undefined && fateOf(run) === 'poison')
    const stalls = stallsOf.get(name) ?? []
    const blocked = runs.filter((run) => fateOf(run) === 'block').map((run) => spanOf(run, diedWall))
    const ends = { diedAt, diedWall, killedWall, toldWall, poisoned, complaint }
    return { name, ...ends, frozen, stalls, blocked }
  }
}

function spanOf({ startedAt, startedWall, endedAt }: Run, diedWall: number): Span {
  return { from: startedWall, to: endedAt === undefined ? diedWall : startedWall + (endedAt - startedAt) + 1 }
}
