import { PostgresJobStore, openDatabase } from 'runutil/postgres'
import type { Facts } from './facts.ts'
import type { Fleet } from './fleet.ts'
import type { Observer } from './observer.ts'
import { type Finding, none } from './report.ts'

/** What is left when all workers are gone and all leases over. */
export async function accountOfTraces(observer: Observer, { all }: Fleet, url: string): Promise<Finding[]> {
  await observer.until(async () => {
    const live = await observer.ask(
      'select from runutil.job_claims where expires_at > clock_timestamp() limit 1',
    )
    return live.length === 0
  })
  await freeExpired(url)
  const jobs = 'select id from runutil.jobs'
  const count = async (table: string): Promise<number> => {
    const [row] = await observer.ask<{ count: number }>(`select count(*)::int from runutil.${table}`)
    return row!.count
  }
  // Not by their numbers: of a thousand, the system uses some again.
  const alive = all.filter(({ state }) => state !== 'gone').map(({ name }) => name)
  return [
    { what: 'rows left in job_claims', count: await count('job_claims'), mustBeNone: [] },
    { what: 'rows left in job_slots', count: await count('job_slots'), mustBeNone: [] },
    { what: 'rows left in jobs_waiting', count: await count('jobs_waiting'), mustBeNone: [] },
    { what: 'rows left in job_unique', count: await count('job_unique'), mustBeNone: [] },
    {
      what: 'rows left in job_dependencies without their jobs',
      // They go when one of their jobs is removed.
      count: await count(`job_dependencies where dependency not in (${jobs}) or dependent not in (${jobs})`),
      mustBeNone: [],
    },
    { what: 'worker processes started', count: all.length },
    none('processes left', alive),
    { what: 'connections left', count: await connectionsLeft(observer), mustBeNone: [] },
  ]
}

/** One that a job has killed has no choice. */
export function accountOfProcesses({ workers }: Facts): Finding[] {
  const all = [...workers.values()]
  return [
    { what: 'worker processes killed by a job', count: all.filter(({ poisoned }) => poisoned).length },
    none(
      'worker processes that ended otherwise than asked',
      all.flatMap(({ name, complaint, poisoned }) =>
        complaint === undefined || poisoned ? [] : [`${name} ${complaint}`],
      ),
    ),
  ]
}

/** Whoever claims frees what has expired; here nobody is left who does. */
async function freeExpired(url: string): Promise<void> {
  const database = await openDatabase(url, { max: 1 })
  await new PostgresJobStore(database).claim(['none'], 1, 1_000)
  await database.close()
}

/** A backend may need a moment to see that its client is gone. */
async function connectionsLeft(observer: Observer): Promise<number> {
  const patience = AbortSignal.timeout(5_000)
  let left = 0
  await observer.until(async () => {
    const [row] = await observer.ask<{ count: number }>(
      `select count(*)::int from pg_stat_activity where application_name like 'worker-%'`,
    )
    left = row!.count
    return left === 0 || patience.aborted
  })
  return left
}
