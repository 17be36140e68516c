import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import type { NewJob } from 'runutil/queue'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { done, failed, newJob } from '../../packages/runutil/src/testing/job-store-case.ts'
import { rowsRead } from '../support/postgres/rows-read.ts'

const FEW = 20
const MANY = 5_000

let database: Database
let store: PostgresJobStore
// Embedded: one connection, which keeps its plans.
beforeEach(async () => {
  database = await openDatabase('memory:')
  await migrate(database)
  store = new PostgresJobStore(database)
})
afterEach(() => database.close())

let calls = 0
/** Chains of three jobs. */
const chains = (count: number, kind: string): NewJob[] => {
  const call = ++calls
  return Array.from({ length: count * 3 }, (_, at) => {
    const after = at % 3 === 0 ? undefined : { ids: [`${call}-${at - 1}`], on: 'done' as const }
    return newJob({ id: `${call}-${at}`, kind, after })
  })
}

/** All that is done to jobs that run after others. */
async function live(kind: string): Promise<void> {
  const jobs = chains(FEW, kind)
  await store.insert(jobs)
  await store.insert([
    newJob({ id: `late ${kind} ${calls}`, kind, after: { ids: [jobs[0]!.id, jobs[3]!.id], on: 'end' } }),
  ])
  const first = await store.claim([kind], FEW, '1h')
  expect(first).toHaveLength(FEW)
  await store.settle(first.slice(0, 10).map((job) => done(job, '1')))
  await store.settle(first.slice(10).map((job) => failed(job)))
  const second = await store.claim([kind], FEW, '1h')
  expect(second).toHaveLength(10 + 1)
  for (const { id } of second) await store.dependencies(id)
  expect(await store.cancelJobs(jobs.slice(2, 9).map(({ id }) => id))).toBe(5)
  expect(await store.retryJobs(first.slice(10, 15).map(({ id }) => ({ id })))).toHaveLength(5)
  expect(await store.failDependents()).toBe(false)
  const third = await store.claim([kind], FEW, '1h')
  await store.settle([...second, ...third].map((job) => done(job)))
  await store.deleteJobs(jobs.map(({ id }) => id))
}

it('statements for jobs that run after others read few rows of tables that were empty when they were planned', async () => {
  await database.query({ text: 'vacuum analyze' })
  await live('a')
  await store.insert(chains(MANY, 'b'))
  await store.insert(chains(MANY, 'c').map((job) => ({ ...job, after: undefined })))
  const before = await rowsRead(database)
  await live('a')
  const many = [...(await rowsRead(database))]
    .map(([table, rows]): [string, number] => [table, rows - (before.get(table) ?? 0)])
    .filter(([, rows]) => rows > 1_500)
  expect(many).toEqual([])
})
