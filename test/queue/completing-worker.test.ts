import { runAllWorkers } from 'runutil'
import { PostgresJobStore } from 'runutil/postgres'
import { JobQueue, QueueWorker } from 'runutil/queue'
import { Probe } from 'runutil/testing'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { eventually } from '../support/eventually.ts'
import { serverDatabase } from '../support/postgres/migrated-database.ts'

let queue: JobQueue
let stop: AbortController
let run: Promise<void>
let log: ReturnType<typeof capturedLogger>
const fresh = serverDatabase(beforeAll)
let kinds = 0
let kind: string
/** Hit when a handler has completed its job, and returned, in a transaction that is still open. */
let completed: Probe<string>
beforeEach(() => {
  queue = new JobQueue(new PostgresJobStore(fresh.database))
  kind = `kind ${++kinds}`
  completed = new Probe('completed')
  stop = new AbortController()
  log = capturedLogger()
  const worker = new QueueWorker(queue, { concurrency: 2 }).register(kind, async (job) => {
    if (job.payload !== 'in a transaction') return 'returned'
    await fresh.client.query('begin')
    await queue.complete(job, 'in the transaction', { tx: fresh.client })
    completed.hit(job.id)
    return 'returned'
  })
  run = runAllWorkers([worker], stop.signal, { logger: log.logger })
})
afterEach(async () => {
  await fresh.client.query('rollback')
  stop.abort()
  await run
})

describe('a worker whose handler returns before the transaction ends that completed its job', () => {
  const others = ['a', 'b', 'c', 'd']

  // Of one claim with it, and claimed later.
  async function withOthers(): Promise<void> {
    await queue.enqueue([
      { id: kind, kind, payload: 'in a transaction' },
      ...others.slice(0, 2).map((id) => ({ id: `${kind} ${id}`, kind })),
    ])
    await completed.times(1)
    await queue.enqueue(others.slice(2).map((id) => ({ id: `${kind} ${id}`, kind })))
    for (const id of others) expect(await queue.result(`${kind} ${id}`)).toBe('returned')
    expect(await queue.get(kind)).toMatchObject({ status: 'PENDING' })
  }

  it('records all others meanwhile, and says nothing', async () => {
    await withOthers()
    await fresh.client.query('commit')
    expect(await queue.result(kind)).toBe('in the transaction')
    expect(log.lines).toEqual([])
  })

  it('records what it returned when the transaction is rolled back', async () => {
    await withOthers()
    await fresh.client.query('rollback')
    expect(await queue.result(kind)).toBe('returned')
    expect(await queue.get(kind)).toMatchObject({ attemptsDone: 1 })
  })

  it('leaves no lease behind', async () => {
    await withOthers()
    await fresh.client.query('commit')
    await eventually(async () =>
      expect(await fresh.database.query({ text: 'select from runutil.job_claims' })).toEqual([]),
    )
  })
})
