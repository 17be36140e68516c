import { PostgresJobStore } from 'runutil/postgres'
import { JobQueue } from 'runutil/queue'
import { beforeEach, expect, it } from 'vitest'
import { ask } from '../support/postgres/ask.ts'
import { serverDatabase } from '../support/postgres/migrated-database.ts'

const fresh = serverDatabase(beforeEach)

it.each([0, 1, 3])(
  'jobs come in the order of enqueueing, also by a plan for a table of %i jobs',
  async (count) => {
    const store = new PostgresJobStore(fresh.database)
    const queue = new JobQueue(store)
    const ids = Array.from({ length: count + 3 }, (_, at) => `${9 - at}`)
    for (const id of ids.slice(0, count)) await queue.enqueue({ id, kind: 'k' })
    await ask(fresh.url, 'vacuum analyze')
    for (const id of ids.slice(count)) await queue.enqueue({ id, kind: 'k' })
    const jobs = await store.claim(['k'], 10, '1m')
    expect(jobs.map(({ id }) => id)).toEqual(ids)
  },
)
