import { type Facts, type StoredJob, endedForCrashes, endedForDependency, isPoison } from './facts.ts'
import { grouped } from './grouped.ts'
import type { Holds } from './holds.ts'
import type { Run, RunEnd } from './ledger.ts'
import { STATUS_OF } from './planned-job.ts'
import { type Finding, none } from './report.ts'

/** How the last run of a job must have ended that has this status, and what these jobs are called. */
const LAST_END: Record<string, { readonly end: RunEnd; readonly what: string }> = {
  DONE: { end: 'returned', what: 'done' },
  FAILED: { end: 'failed', what: 'failed' },
  PANIC: { end: 'panicked', what: 'panicked' },
}

/** Whether each job is there, has ended as it should, and by whom. */
export function accountOfEnds(facts: Facts, holds: Holds): Finding[] {
  const ended = [...facts.stored.values()].filter(({ status }) => status !== 'PENDING')
  return [
    { what: 'enqueued', count: facts.planned.size },
    ...Object.entries(LAST_END).map(([status, { what }]) => ({
      what,
      count: ended.filter((job) => job.status === status).length,
    })),
    ...accountOfPlan(facts),
    ...accountOfSettling(
      ended.filter((job) => !endedForDependency(job)),
      facts,
      holds,
    ),
  ]
}

function accountOfPlan(facts: Facts): Finding[] {
  const planned = [...facts.planned.values()]
  const { stored } = facts
  // Of innocents that end so, and of those that another's failure ended, there are accounts of their own.
  const isForOthers = (id: string): boolean => {
    const job = stored.get(id)
    return job !== undefined && (endedForCrashes(job) || endedForDependency(job))
  }
  const statusOf = (id: string): string => stored.get(id)?.status ?? 'PENDING'
  const lost = planned.filter(({ id }) => statusOf(id) === 'PENDING')
  const otherwise = planned.filter(({ id, payload }) =>
    isForOthers(id)
      ? false
      : isPoison(id, facts) || ![STATUS_OF[payload.fate], 'PENDING'].includes(statusOf(id)),
  )
  return [
    none('ended otherwise than planned', idsOf(otherwise)),
    none('lost: not there, or not ended', idsOf(lost)),
    none(
      'there, but never enqueued',
      [...stored.keys()].filter((id) => !facts.planned.has(id)),
    ),
  ]
}

function accountOfSettling(ended: readonly StoredJob[], { runs }: Facts, holds: Holds): Finding[] {
  const runsById = grouped(runs, ({ id }) => id)
  const runsOf = ({ id }: StoredJob): readonly Run[] => runsById.get(id) ?? []
  const such = (isSuch: (job: StoredJob) => boolean): string[] => idsOf(ended.filter(isSuch))
  return [
    none(
      'settled by a stale worker (by what handlers saw)',
      such((job) => job.claim === null || job.claim < newest(runsOf(job))),
    ),
    none('settled by a stale worker (by the database)', holds.stale),
    none('changed after their end', holds.changed),
    none(
      'ended without a run that ended so',
      such((job) => !endedByItsRun(job, runsOf(job))),
    ),
    none(
      'attempts miscounted',
      such((job) => job.attempts !== counted(runsOf(job), holds, job.id)),
    ),
  ]
}

/** What is stored comes from the run of the claim that is stored, and for a result, that run says so itself. */
function endedByItsRun(job: StoredJob, runs: readonly Run[]): boolean {
  const { status, claim, returned } = job
  if (endedForCrashes(job)) return !runs.some((run) => run.claim === claim)
  if (status === 'DONE' && returned !== claim) return false
  return runs.some((run) => run.claim === claim && run.end === LAST_END[status]?.end)
}

function newest(runs: readonly Run[]): number {
  return runs.reduce((most, { claim }) => Math.max(most, claim), 0)
}

/** One attempt for each run whose outcome was taken; not for one whose lease had expired before. */
function counted(runs: readonly Run[], holds: Holds, id: string): number {
  const taken = new Set(
    (holds.of.get(id) ?? [])
      .filter(({ how }) => how === 'ended' || how === 'let go')
      .map(({ claim }) => claim),
  )
  return runs.filter(({ claim }) => taken.has(claim)).length
}

function idsOf(jobs: readonly { id: string }[]): string[] {
  return jobs.map(({ id }) => id)
}
