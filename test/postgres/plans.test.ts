import { createCoordinate } from 'runutil/coordinate'
import { PostgresCoordinateStore } from 'runutil/postgres'
import type { LeasedJob, KindRules, NewJob } from 'runutil/queue'
import { beforeEach, expect, it } from 'vitest'
import { embeddedDatabase } from '../support/postgres/migrated-database.ts'
import { allRowsRead } from '../support/postgres/rows-read.ts'

const FEW = 20
const MANY = 5_000

// Embedded: one connection, which keeps its plans.
const fresh = embeddedDatabase(beforeEach)

let calls = 0
const jobs = (count: number, kind: string): NewJob[] => {
  const call = ++calls
  return Array.from({ length: count }, (_, at) => ({
    id: `${call}-${at}`,
    kind,
    payload: 'null',
    runAt: undefined,
    priority: 1,
    key: `${call}-${at}`,
  }))
}
const settled = (job: LeasedJob, status: 'DONE' | 'PENDING') => ({
  ...job,
  outcome:
    status === 'DONE' ? { status } : ({ status, lastError: 'again', delayMs: 0, counted: true } as const),
  attempt: 1,
  durationMs: 1,
})

/** All that is done to held jobs. */
async function live(kind: string): Promise<void> {
  const held = await fresh.store.claim([kind], FEW, '1h')
  expect(held).toHaveLength(FEW)
  expect(await fresh.store.renew(held, '1h')).toEqual([])
  await fresh.store.release(held.slice(0, 5))
  expect(await fresh.store.settle(held.slice(5, 10).map((job) => settled(job, 'PENDING')))).toEqual([])
  expect(await fresh.store.settle(held.slice(10).map((job) => settled(job, 'DONE')))).toEqual([])
  expect(await fresh.store.settle(held.slice(0, 3).map((job) => settled(job, 'DONE')))).toHaveLength(3)
  const [one, ...some] = await fresh.store.claim([kind], 4, '1h')
  await fresh.store.settleAndClaim([settled(one!, 'DONE')], [kind], 1, '1h')
  const batch = some.map((job) => settled(job, 'DONE'))
  await fresh.store.settleAndClaim(batch, [kind, 'other'], 4, '1h')
}

it.each(['free', 'limited'])(
  'statements for jobs of a %s kind read few rows of tables that were empty when they were planned',
  async (kind) => {
    const rules = {
      limits: { concurrency: 100_000, keyConcurrency: 100_000, rate: undefined },
      retention: { doneMs: Infinity, failedMs: Infinity },
    } satisfies KindRules
    await fresh.store.setRules('w', new Map([['limited', rules]]))
    await fresh.database.query({ text: 'vacuum analyze' })
    await fresh.store.insert(jobs(3 * FEW, kind))
    await live(kind)
    await fresh.store.insert(jobs(MANY, kind))
    const before = await allRowsRead(fresh.database)
    await live(kind)
    expect((await allRowsRead(fresh.database)) - before).toBeLessThan(1_500)
  },
  60_000,
)

it('statements for work units read few rows of tables that were empty when they were planned', async () => {
  const namespace = await createCoordinate(new PostgresCoordinateStore(fresh.database)).namespace('n')
  const spec = await namespace.setWorkSpec({ name: 'spec', max_retries: 3 })
  const worker = await namespace.worker('worker')
  await fresh.database.query({ text: 'vacuum analyze' })
  const add = (count: number, prefix: string) =>
    spec.addWorkUnits(Array.from({ length: count }, (_, at) => ({ name: `${prefix}${at}`, data: {} })))
  const live = async (): Promise<void> => {
    const attempts = await worker.requestAttempts({ numberOfWorkUnits: FEW })
    for (const [at, attempt] of attempts.entries()) {
      await attempt.renew('1m')
      if (at % 3 === 0) await attempt.retry()
      else if (at % 3 === 1) await attempt.fail()
      else await attempt.finish()
    }
  }
  await add(2 * FEW, 'a')
  await live()
  await add(MANY, 'b')
  const before = await allRowsRead(fresh.database)
  await live()
  await add(5, 'b')
  expect((await allRowsRead(fresh.database)) - before).toBeLessThan(1_500)
})
