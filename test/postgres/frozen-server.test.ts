import { type HealthState, healthSnapshot, namedWorker, repeat, runAllWorkers, wait } from 'runutil'
import { singleton } from 'runutil/leases'
import { type Database, PostgresJobStore, PostgresLeaseStore, migrate, openDatabase } from 'runutil/postgres'
import { JobQueue, QueueWorker } from 'runutil/queue'
import { Probe } from 'runutil/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { PostgresServer } from '../support/postgres/server.ts'

const PATIENCE = '100s'
const LEASE = '2s'
const JOBS = 60

let server: PostgresServer
const databases: Database[] = []

beforeAll(async () => {
  server = await PostgresServer.start({ settings: { fsync: 'off' } })
})
afterAll(async () => {
  for (const database of databases) await database.close()
  await server.stop()
})

async function open(): Promise<Database> {
  const database = await openDatabase(server.url)
  databases.push(database)
  return database
}

it('a server that hangs for longer than a lease costs no run of a process that lives, and nobody calls itself ok meanwhile', async () => {
  const queue = new JobQueue(new PostgresJobStore(await open()))
  await migrate(databases[0]!)
  const ran = new Probe<string>('ran', PATIENCE)
  const firing = new Probe('all fire', PATIENCE)
  const recovered = new Probe('all are ok', PATIENCE)
  const of = (state: HealthState): boolean =>
    Object.entries(healthSnapshot()).every(([name, its]) => name === '/Look' || its === state)
  let isBack = false
  const look = (): void => {
    if (of('firing')) firing.hit()
    if (isBack && of('ok')) recovered.hit()
  }
  const make = async (at: number) => {
    const database = await open()
    const jobs = new JobQueue(new PostgresJobStore(database))
    const options = { concurrency: 4, lease: LEASE, pollInterval: '200ms' } as const
    const worker = new QueueWorker(jobs, options).register('k', async (job) => {
      ran.hit(job.id)
      await wait(Number(job.payload))
    })
    const leases = new PostgresLeaseStore(database)
    const single = singleton(leases, 'one', (signal) => wait('1h', signal), { lease: LEASE })
    return [namedWorker(worker, `Queue${at}`), namedWorker(single, `Single${at}`)]
  }
  const workers = (await Promise.all([1, 2, 3].map(make))).flat()
  const stop = new AbortController()
  const { logger } = capturedLogger()
  const all = [...workers, namedWorker(repeat('50ms', look), 'Look')]
  const run = runAllWorkers(all, stop.signal, { logger })
  await queue.enqueue(
    Array.from({ length: JOBS }, (_, at) => ({ id: `${at}`, kind: 'k', payload: (at % 7) * 200 })),
  )
  await ran.times(12)
  const resume = await server.freeze()
  await firing.times(1)
  resume()
  await Promise.all(Array.from({ length: JOBS }, (_, at) => queue.result(`${at}`, { timeout: PATIENCE })))
  isBack = true
  await recovered.times(1)
  stop.abort()
  await run
  expect(ran.values.toSorted()).toEqual(Array.from({ length: JOBS }, (_, at) => `${at}`).toSorted())
})
