import { PostgresJobStore } from 'runutil/postgres'
import { type LeasedJob, ErrJobExists, JobQueue } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { settlementOf } from '../../packages/runutil/src/queue/outcome.ts'
import { rules } from '../../packages/runutil/src/testing/job-store-case.ts'
import { failureOf } from '../support/outcome.ts'
import { serverDatabase } from '../support/postgres/migrated-database.ts'

let clock: VirtualClock
let queue: JobQueue
let kinds = 0
let kind: string
const fresh = serverDatabase(beforeAll)
beforeEach(() => {
  clock = new VirtualClock()
  queue = new JobQueue(new PostgresJobStore(fresh.database, { clock }))
  kind = `kind ${++kinds}`
})
afterEach(async () => void (await fresh.client.query('rollback')))

async function claimed(count: number): Promise<LeasedJob[]> {
  await queue.enqueue(Array.from({ length: count }, (_, n) => ({ id: `${kind} ${n}`, kind })))
  return queue.store.claim([kind], count, '30s')
}

const done = (job: LeasedJob) => settlementOf(job, { status: 'DONE', result: '"later"' }, 1)
const again = (job: LeasedJob) =>
  settlementOf(job, { status: 'PENDING', lastError: 'again', delayMs: 0, counted: true }, 1)

/** In a transaction that stays open. */
async function completeInOpen(job: LeasedJob, begin = 'begin'): Promise<void> {
  await fresh.client.query(begin)
  await queue.complete(job, 'in the transaction', { tx: fresh.client })
}

// What has to wait for the transaction's end would wait for ever here.
describe('while a transaction that completes a job is open', () => {
  it('all else of the same claim is recorded, put off, renewed and given back', async () => {
    const [job, first, second, third, fourth] = (await claimed(5)) as [
      ...[LeasedJob, LeasedJob, LeasedJob, LeasedJob, LeasedJob],
    ]
    await completeInOpen(job)
    const { store } = queue
    expect(await store.settle([done(first)])).toEqual([])
    expect(await store.settle([again(second)])).toEqual([])
    const progress = { done: 1, at: new Date(0) }
    expect(await store.renew([job, third, fourth], '30s', new Map([[job, progress]]))).toEqual([])
    expect((await queue.get(job.id))!.progress).toEqual(progress)
    await store.release([third])
    expect(await store.settle([done(fourth)])).toEqual([])
    await fresh.client.query('commit')
    const statuses = [job, first, second, third, fourth].map(async ({ id }) => (await queue.get(id))!.status)
    expect(await Promise.all(statuses)).toEqual(['DONE', 'DONE', 'PENDING', 'PENDING', 'DONE'])
  })

  it('a kind gets its first limit, and jobs are claimed, even where others waited for that job', async () => {
    const [job] = (await claimed(1)) as [LeasedJob]
    await queue.enqueue({ id: `${kind} after`, kind, after: job.id })
    await completeInOpen(job)
    const limited = rules({ concurrency: 1 })
    await queue.store.setRules(kind, new Map([[`${kind} limited`, limited]]))
    expect(await queue.store.claim([kind, `${kind} limited`], 10, '30s')).toEqual([])
    await fresh.client.query('commit')
    expect(await queue.store.claim([kind], 10, '30s')).toHaveLength(1)
  })

  it('what its handler returns meanwhile is recorded once it has ended, and holds up nobody', async () => {
    const [job] = (await claimed(1)) as [LeasedJob]
    await completeInOpen(job)
    const late = () => queue.store.settle([done(job)], { afterTransaction: true })
    expect(await failureOf(late())).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await fresh.client.query('commit')
    expect(await late()).toEqual([])
    expect(await queue.get(job.id)).toMatchObject({ status: 'DONE', result: 'in the transaction' })
    expect(
      await fresh.database.query({ text: `select from runutil.job_claims where claim = ${job.claim}` }),
    ).toEqual([])
  })

  it('what its handler returns counts when it was rolled back', async () => {
    const [job] = (await claimed(1)) as [LeasedJob]
    await completeInOpen(job)
    await fresh.client.query('rollback')
    expect(await queue.store.settle([done(job)], { afterTransaction: true })).toEqual([])
    expect(await queue.get(job.id)).toMatchObject({ status: 'DONE', result: 'later' })
  })

  it.each(['commit', 'rollback'])(
    'nobody takes its job over, however old its lease, until the %s',
    async (end) => {
      const [job] = (await claimed(1)) as [LeasedJob]
      await completeInOpen(job)
      await clock.advance('1h')
      const other = new PostgresJobStore(fresh.database, { clock })
      expect(await other.claim([kind], 1, '30s')).toEqual([])
      await fresh.client.query(end)
      const taken = await other.claim([kind], 1, '30s')
      expect(taken.map(({ id }) => id)).toEqual(end === 'commit' ? [] : [job.id])
    },
  )
})

describe('a repeatable-read transaction', () => {
  const SNAPSHOT = 'begin isolation level repeatable read; select from runutil.jobs limit 1'

  it('completes a job whose lease was renewed since it began', async () => {
    const [job, other] = (await claimed(2)) as [LeasedJob, LeasedJob]
    await fresh.client.query(SNAPSHOT)
    await queue.store.renew([job, other], '1h', new Map([[job, { done: 1, at: new Date(0) }]]))
    await queue.store.settle([again(other)])
    await queue.complete(job, 1, { tx: fresh.client })
    await fresh.client.query('commit')
    expect(await queue.get(job.id)).toMatchObject({ status: 'DONE', result: 1 })
  })

  it('can’t complete one that more jobs wait for since it began, so that none waits for ever', async () => {
    const [job] = (await claimed(1)) as [LeasedJob]
    const after = (id: string) => queue.enqueue({ id: `${kind} ${id}`, kind, after: job.id })
    await after('known')
    await fresh.client.query(SNAPSHOT)
    await after('new')
    await failureOf(queue.complete(job, 1, { tx: fresh.client }))
    await fresh.client.query('rollback')
    expect(await queue.store.settle([done(job)])).toEqual([])
    const next = await queue.store.claim([kind], 10, '30s')
    expect(next.map(({ id }) => id)).toEqual([`${kind} known`, `${kind} new`])
  })

  it('can’t complete one that another has taken since', async () => {
    const [job] = (await claimed(1)) as [LeasedJob]
    await fresh.client.query(SNAPSHOT)
    await clock.advance('1h')
    const other = new PostgresJobStore(fresh.database, { clock })
    expect(await other.claim([kind], 1, '30s')).toHaveLength(1)
    await failureOf(queue.complete(job, 1, { tx: fresh.client }))
    await fresh.client.query('rollback')
    expect(await queue.get(job.id)).toMatchObject({ status: 'PENDING' })
  })

  it.each(['repeatable read', 'serializable'])(
    'in %s is told which ids are taken since it began',
    async (level) => {
      await queue.enqueue({ id: `${kind} before`, kind })
      await fresh.client.query(`begin isolation level ${level}; select from runutil.jobs limit 1`)
      await queue.enqueue([
        { id: `${kind} since`, kind },
        { id: `${kind} too`, kind },
      ])
      const jobs = ['before', 'since', 'too', 'new'].map((which) => ({ id: `${kind} ${which}`, kind }))
      const error = await failureOf(queue.enqueue(jobs, { tx: fresh.client }))
      expect(error).toBeInstanceOf(ErrJobExists)
      expect((error as ErrJobExists).ids).toEqual(
        ['before', 'since', 'too'].map((which) => `${kind} ${which}`),
      )
      // The transaction can go on.
      await queue.enqueue({ id: `${kind} other`, kind }, { tx: fresh.client })
      await fresh.client.query('commit')
      expect(await queue.get(`${kind} new`)).toBeUndefined()
      expect(await queue.get(`${kind} other`)).toBeDefined()
    },
  )
})
