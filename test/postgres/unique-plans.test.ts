import type { NewJob } from 'runutil/queue'
import { beforeEach, expect, it } from 'vitest'
import { done, failed, newJob } from '../../packages/runutil/src/testing/job-store-case.ts'
import { embeddedDatabase } from '../support/postgres/migrated-database.ts'
import { allRowsRead } from '../support/postgres/rows-read.ts'

const FEW = 20
const MANY = 5_000

// Embedded: one connection, which keeps its plans.
const fresh = embeddedDatabase(beforeEach)

let calls = 0
const jobs = (count: number, kind: string): NewJob[] => {
  const call = ++calls
  return Array.from({ length: count }, (_, at) =>
    newJob({
      id: `${call}-${at}`,
      kind,
      unique: { key: `${call}-${at}`, until: at % 2 === 0 ? 'started' : 'ended' },
    }),
  )
}

/** All that is done to jobs with unique keys. */
async function live(kind: string): Promise<void> {
  const some = jobs(FEW, kind)
  const others = some.map((job) => ({ ...job, id: `other ${job.id}` }))
  await fresh.store.insert(some)
  await fresh.store.insert(others, { onExists: 'skip' })
  await fresh.store.insert(others, { onExists: 'replace' })
  await fresh.store.insert(others.slice(0, 1), { onExists: 'replace' })
  await expect(fresh.store.insert(others)).rejects.toThrow('unique keys')
  const held = await fresh.store.claim([kind], FEW, '1h')
  expect(held).toHaveLength(FEW)
  await fresh.store.cancel(held[0]!.id)
  await fresh.store.settle(held.slice(0, 10).map((job) => done(job)))
  await fresh.store.settle(held.slice(10).map((job) => failed(job)))
  expect(await fresh.store.retryJobs(held.slice(10, 15).map(({ id }) => ({ id })))).toHaveLength(5)
  expect(await fresh.store.deleteJobs(held.map(({ id }) => id))).toBe(FEW)
}

it('statements for unique keys read few rows of tables that were empty when they were planned', async () => {
  await fresh.database.query({ text: 'vacuum analyze' })
  await live('a')
  await fresh.store.insert(jobs(MANY, 'b'))
  await fresh.store.insert(jobs(MANY, 'c').map((job) => ({ ...job, unique: undefined })))
  const before = await allRowsRead(fresh.database)
  await live('a')
  expect((await allRowsRead(fresh.database)) - before).toBeLessThan(2_500)
})
