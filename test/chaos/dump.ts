import { ask } from '../support/postgres/ask.ts'
import type { Fleet } from './fleet.ts'

const QUESTIONS = {
  'jobs by status': 'select kind, status, count(*)::int from runutil.jobs group by 1, 2 order by 1, 2',
  'jobs that have not ended': `select id, kind, key, run_at, crashes, attempts_done, last_error
    from runutil.jobs where status = 'PENDING' order by run_at limit 20`,
  waiting: 'select kind, key, due, count(*)::int from runutil.jobs_waiting group by 1, 2, 3',
  blocked: `select b.id, b.waits, b.failed_by, j.status, j.after from runutil.jobs_blocked as b left join runutil.jobs as j using (id)
    where b.failed_by is null limit 20`,
  'unique keys':
    'select u.*, j.status from runutil.job_unique as u left join runutil.jobs as j using (id) limit 20',
  claims: 'select claim, claimed_at, expires_at, ids from runutil.job_claims order by claim limit 20',
  slots: 'select * from runutil.job_slots limit 20',
  starts: 'select count(*)::int, min(at), max(at), now() from runutil.job_starts',
  connections: `select application_name, state, wait_event_type, wait_event, left(query, 60) as query, now() - query_start as since
    from pg_stat_activity where backend_type = 'client backend'`,
}

/** What there is to see when it has failed. */
export async function dump(fleet: Fleet | undefined, url: string): Promise<void> {
  const states = fleet?.all
    .filter(({ state }) => state !== 'gone')
    .map(({ name, pid, state }) => ({ name, pid, state }))
  console.error('workers:', JSON.stringify(states))
  for (const [what, question] of Object.entries(QUESTIONS)) {
    const rows = await ask(url, question).catch((error: unknown) => [String(error)])
    console.error(`${what}:`)
    for (const row of rows) console.error(`  ${JSON.stringify(row)}`)
  }
}
