import type { Facts } from './facts.ts'
import { grouped } from './grouped.ts'
import type { Holds } from './holds.ts'
import { liveUntil } from './live-run.ts'
import type { PlannedJob } from './planned-job.ts'
import { holdOf } from './reasons.ts'
import { type Finding, none } from './report.ts'

/** Whether of each kind and unique key one job was there at a time, and others were skipped for that one. */
export function accountOfUniqueKeys(facts: Facts, holds: Holds): Finding[] {
  const { planned, stored, skipped } = facts
  const wrongly = [...skipped.values()].filter(
    ({ job, by }) => !stored.has(by) || nameOf(planned.get(by)) !== nameOf(job),
  )
  return [
    {
      what: 'jobs with a unique key',
      count: [...planned.values()].filter(({ unique }) => unique !== undefined).length,
    },
    { what: 'skipped since one with the key was there', count: skipped.size },
    none(
      'skipped for another that was not there',
      wrongly.map(({ job, by }) => `${job.id} for ${by}`),
    ),
    none('two of one unique key at once', openAtOnce(facts)),
    none('two of one unique key running at once', runningAtOnce(facts, holds)),
  ]
}

/** Stored while another had not ended, in the order of the database. */
function openAtOnce({ audit, planned }: Facts): string[] {
  const open = new Map<string, string>()
  return audit.flatMap((event) => {
    if (event.type !== 'enqueued' && event.type !== 'ended') return []
    const name = nameOf(planned.get(event.id))
    if (name === undefined) return []
    const holder = open.get(name)
    if (event.type === 'enqueued') open.set(name, event.id)
    else if (holder === event.id) open.delete(name)
    return event.type === 'enqueued' && holder !== undefined ? [`${event.id} beside ${holder}`] : []
  })
}

function runningAtOnce({ runs, planned, workers }: Facts, holds: Holds): string[] {
  const spans = runs
    .map((run) => ({
      id: run.id,
      name: nameOf(planned.get(run.id)),
      from: run.startedAt,
      to: liveUntil(run, holdOf(run, holds), workers),
    }))
    .filter(({ name, from, to }) => name !== undefined && from < to)
  return [...grouped(spans, ({ name }) => name).values()].flatMap((its) =>
    its.flatMap((a, at) =>
      its
        .slice(at + 1)
        .filter((b) => a.id !== b.id && a.from < b.to && b.from < a.to)
        .map((b) => `${a.id} and ${b.id}`),
    ),
  )
}

function nameOf(job: PlannedJob | undefined): string | undefined {
  return job?.unique === undefined ? undefined : `${job.kind} ${job.unique}`
}
