import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { JobQueue } from 'runutil/queue'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ask } from '../support/postgres/ask.ts'
import { freshDatabase } from '../support/postgres/databases.ts'

let url: string
let drop: () => Promise<void>
let database: Database

beforeEach(async () => {
  ;({ url, drop } = await freshDatabase())
  database = await openDatabase(url)
  await migrate(database)
})
afterEach(async () => {
  await database.close()
  await drop()
})

it.each([0, 1, 3])(
  'jobs come in the order of enqueueing, also by a plan for a table of %i jobs',
  async (count) => {
    const store = new PostgresJobStore(database)
    const queue = new JobQueue(store)
    const ids = Array.from({ length: count + 3 }, (_, at) => `${9 - at}`)
    for (const id of ids.slice(0, count)) await queue.enqueue({ id, kind: 'k' })
    await ask(url, 'vacuum analyze')
    for (const id of ids.slice(count)) await queue.enqueue({ id, kind: 'k' })
    const jobs = await store.claim(['k'], 10, '1m')
    expect(jobs.map(({ id }) => id)).toEqual(ids)
  },
)
