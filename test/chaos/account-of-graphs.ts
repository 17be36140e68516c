import { type Facts, type StoredJob, endedForDependency } from './facts.ts'
import type { Holds } from './holds.ts'
import type { PlannedJob } from './planned-job.ts'
import { type Finding, none } from './report.ts'

/** Whether jobs that run after others did so, and did not when one of those had failed. */
export function accountOfGraphs(facts: Facts, holds: Holds): Finding[] {
  const { stored, runs } = facts
  const dependents = [...facts.planned.values()].filter(({ after }) => after !== undefined)
  const doomed = new Map(dependents.map((job) => [job.id, errorsFor(job, facts)]))
  for (const [id, errors] of doomed) if (errors.length === 0) doomed.delete(id)
  const ended = [...stored.values()].filter(endedForDependency)
  const isWrongly = ({ id, lastError }: StoredJob): boolean => doomed.get(id)?.includes(lastError!) !== true
  const failed = new Set(ended.map(({ id }) => id))
  const spared = [...doomed.keys()].filter((id) => stored.has(id) && !failed.has(id))
  return [
    { what: 'jobs after others', count: dependents.length },
    { what: 'of which failed with one of those', count: doomed.size },
    none(
      'blocked for ever',
      [...stored.values()].filter(({ blocked }) => blocked).map(({ id }) => id),
    ),
    none('run before a dependency', claimedEarly(facts)),
    none('run though a dependency had failed', [
      ...new Set(runs.map(({ id }) => id).filter((id) => doomed.has(id))),
    ]),
    none('not failed though a dependency had', spared),
    none(
      'failed for a dependency that had not',
      ended.filter(isWrongly).map(({ id, lastError }) => `${id}: ${lastError}`),
    ),
    none(
      'ended without a claim otherwise',
      holds.unclaimed.filter((id) => !failed.has(id)),
    ),
  ]
}

/** With which of these a job must have failed, for a dependency that has. Empty when it had to run. */
function errorsFor({ after }: PlannedJob, { stored }: Facts): string[] {
  if (after === undefined || after.on === 'end') return []
  const failed = after.ids
    .map((id) => stored.get(id))
    .filter((job) => job !== undefined && (job.status === 'FAILED' || job.status === 'PANIC'))
  return failed.map((job) => (endedForDependency(job!) ? job!.lastError! : `dependency ${job!.id} failed`))
}

/** Handed out when not all of what it runs after had ended, in the order of the database. */
function claimedEarly({ audit, planned }: Facts): string[] {
  const ended = new Set<string>()
  return audit.flatMap((event) => {
    if (event.type === 'ended') ended.add(event.id)
    if (event.type !== 'claimed') return []
    return event.ids.filter((id) => planned.get(id)?.after?.ids.some((before) => !ended.has(before)))
  })
}
