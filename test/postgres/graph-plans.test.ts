import type { NewJob } from 'runutil/queue'
import { beforeEach, expect, it } from 'vitest'
import { done, failed, newJob } from '../../packages/runutil/src/testing/job-store-case.ts'
import { embeddedDatabase } from '../support/postgres/migrated-database.ts'
import { rowsRead } from '../support/postgres/rows-read.ts'

const FEW = 20
const MANY = 5_000

// Embedded: one connection, which keeps its plans.
const fresh = embeddedDatabase(beforeEach)

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
  await fresh.store.insert(jobs)
  await fresh.store.insert([
    newJob({ id: `late ${kind} ${calls}`, kind, after: { ids: [jobs[0]!.id, jobs[3]!.id], on: 'end' } }),
  ])
  const first = await fresh.store.claim([kind], FEW, '1h')
  expect(first).toHaveLength(FEW)
  await fresh.store.settle(first.slice(0, 10).map((job) => done(job, '1')))
  await fresh.store.settle(first.slice(10).map((job) => failed(job)))
  const second = await fresh.store.claim([kind], FEW, '1h')
  expect(second).toHaveLength(10 + 1)
  for (const { id } of second) await fresh.store.dependencies(id)
  expect(await fresh.store.cancelJobs(jobs.slice(2, 9).map(({ id }) => id))).toBe(5)
  expect(await fresh.store.retryJobs(first.slice(10, 15).map(({ id }) => ({ id })))).toHaveLength(5)
  expect(await fresh.store.failDependents()).toBe(false)
  const third = await fresh.store.claim([kind], FEW, '1h')
  await fresh.store.settle([...second, ...third].map((job) => done(job)))
  await fresh.store.deleteJobs(jobs.map(({ id }) => id))
}

it('statements for jobs that run after others read few rows of tables that were empty when they were planned', async () => {
  await fresh.database.query({ text: 'vacuum analyze' })
  await live('a')
  await fresh.store.insert(chains(MANY, 'b'))
  await fresh.store.insert(chains(MANY, 'c').map((job) => ({ ...job, after: undefined })))
  const before = await rowsRead(fresh.database)
  await live('a')
  const many = [...(await rowsRead(fresh.database))]
    .map(([table, rows]): [string, number] => [table, rows - (before.get(table) ?? 0)])
    .filter(([, rows]) => rows > 1_500)
  expect(many).toEqual([])
})
