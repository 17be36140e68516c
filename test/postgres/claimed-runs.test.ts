import type { LeasedJob, Settlement } from 'runutil/queue'
import { beforeEach, describe, expect, it } from 'vitest'
import { ask } from '../support/postgres/ask.ts'
import { serverDatabase } from '../support/postgres/migrated-database.ts'

const fresh = serverDatabase(beforeEach)

const ODD = [
  'plain',
  'with "quotes"',
  'back\\slash',
  '{braces, and commas}',
  'ünïcödé 😀',
  'null',
  "it's\ttab",
]
const ids = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${ODD[at % ODD.length]!} ${at}`)
const PAYLOADS = [{ n: 1, s: 'x' }, [1, [2]], 'text, "quoted"', 1.5, true, null, { é: '\\ \n' }]
const enqueue = (names: readonly string[], kind = 'k'): Promise<unknown> =>
  fresh.queue.enqueue(names.map((id, at) => ({ id, kind, payload: PAYLOADS[at % PAYLOADS.length] })))

const done = ({ id, kind, claim, attempt, place }: LeasedJob): Settlement => {
  return { id, kind, claim, place, attempt, durationMs: 1, outcome: { status: 'DONE' } }
}

/** As a job with the same fields would come in a row of its own. */
const asClaimed = async (id: string, claim: number, place: number): Promise<unknown> => ({
  ...(await fresh.queue.get(id))!,
  claim,
  place,
  attempt: 1,
  crashes: 0,
})
/** Makes a job's row another version, elsewhere in the table. */
const move = (id: string): Promise<unknown> =>
  ask(fresh.url, 'update runutil.jobs set kind = kind where id = $1', [id])
const statuses = async (): Promise<unknown> =>
  ask(fresh.url, 'select status, count(*)::int from runutil.jobs group by status order by status')

describe('a claim of jobs that were enqueued together', () => {
  it('has all of each job, whatever its id and payload', async () => {
    const all = ids(250)
    await enqueue(all)
    await enqueue(['of another kind'], 'other')
    const jobs = [
      ...(await fresh.store.claim(['k', 'other'], 130, '1m')),
      ...(await fresh.store.claim(['k'], 500, '1m')),
    ]
    expect(jobs.map(({ id }) => id)).toEqual(all)
    expect(jobs.map(({ payload }) => payload)).toEqual(all.map((_, at) => PAYLOADS[at % PAYLOADS.length]))
    for (const at of [0, 129, 130, 249]) {
      const { claim, place } = jobs[at]!
      expect(jobs[at]).toEqual(await asClaimed(all[at]!, claim, at < 130 ? at + 1 : at - 129))
      expect(place).toBe(at < 130 ? at + 1 : at - 129)
    }
  })

  it('returns a row for each run, not for each job', async () => {
    await enqueue(ids(1_000))
    const [row] = await ask(
      fresh.url,
      `select count(*)::int as rows from runutil.claim_jobs('{k}', 1000, 60000, false, null, 25, null, null, null, 'c', 1, '{}', 3,
        false, null, true, null, 0)`,
    )
    expect(row).toEqual({ rows: 10 })
  })

  it('has them in their order, whatever that of the table is', async () => {
    const all = ids(200)
    await enqueue(all)
    for (const at of [3, 0, 150]) await move(all[at]!)
    await ask(
      fresh.url,
      `update runutil.jobs_waiting as w set tids = array(select j.ctid from runutil.jobs as j where j.id = any (w.ids) order by j.seq)`,
    )
    const jobs = await fresh.store.claim(['k'], 200, '1m')
    expect(jobs.map(({ id, payload }) => [id, payload])).toEqual(
      all.map((id, at) => [id, PAYLOADS[at % PAYLOADS.length]]),
    )
    expect(await fresh.store.settle(jobs.map(done))).toEqual([])
    expect(await statuses()).toEqual([{ status: 'DONE', count: 200 }])
  })

  it('has what has changed of some of them', async () => {
    const all = ids(300)
    await enqueue(all)
    await move(all[110]!)
    await ask(fresh.url, `update runutil.jobs set attempts_done = 2, last_error = 'lost' where id = $1`, [
      all[120],
    ])
    await ask(fresh.url, `update runutil.jobs set traceparent = '00-trace-01' where id = $1`, [all[250]])
    const jobs = await fresh.store.claim(['k'], 300, '1m')
    expect(jobs.map(({ id }) => id)).toEqual(all)
    expect(jobs[120]).toMatchObject({ attemptsDone: 2, attempt: 3, lastError: 'lost' })
    expect(jobs[250]).toMatchObject({ traceparent: '00-trace-01' })
    expect(await fresh.store.settle(jobs.map(done))).toEqual([])
    expect(await statuses()).toEqual([{ status: 'DONE', count: 300 }])
  })

  it('gives each its own dates', async () => {
    await enqueue(ids(100))
    const [first, second] = await fresh.store.claim(['k'], 100, '1m')
    const before = second!.runAt.getTime()
    first!.runAt.setTime(0)
    expect(first!.createdAt.getTime()).toBe(before)
    expect(second!.runAt.getTime()).toBe(before)
  })
})

describe('settling jobs that were enqueued together', () => {
  it('never touches a job that has the place of another by now', async () => {
    const all = ids(100)
    await enqueue(all)
    await fresh.queue.enqueue({ id: 'stranger', kind: 'other' })
    const jobs = await fresh.store.claim(['k'], 100, '1m')
    // As after one was removed, and its place vacuumed and taken again.
    await ask(
      fresh.url,
      `update runutil.job_claims set tids[43] = (select ctid from runutil.jobs where id = 'stranger')`,
    )
    expect(await fresh.store.settle(jobs.map(done))).toEqual([])
    expect((await fresh.queue.get('stranger'))!.status).toBe('PENDING')
    expect(await statuses()).toEqual([
      { status: 'DONE', count: 100 },
      { status: 'PENDING', count: 1 },
    ])
    expect(await ask(fresh.url, 'select from runutil.job_claims')).toEqual([])
  })

  it.each([
    ['has moved', move, 'DONE', false],
    ['was cancelled', (id: string) => fresh.queue.cancel(id), 'FAILED', true],
    [
      'was cancelled and deleted',
      (id: string) => fresh.queue.cancel(id).then(() => fresh.queue.delete(id)),
      undefined,
      true,
    ],
  ])('settles the others where one %s', async (_, change, status, isLost) => {
    const all = ids(300)
    await enqueue(all)
    const jobs = await fresh.store.claim(['k'], 300, '1m')
    await change(all[77]!)
    const lost = await fresh.store.settle(jobs.map(done))
    expect(lost.map(({ id }) => id)).toEqual(isLost ? [all[77]] : [])
    expect((await fresh.queue.get(all[77]!))?.status).toBe(status)
    expect((await fresh.queue.counts()).k).toMatchObject({ DONE: isLost ? 299 : 300, RUNNING: 0 })
    expect(await ask(fresh.url, 'select from runutil.job_claims')).toEqual([])
  })

  it('settles several claims and parts of them in any order', async () => {
    const all = ids(600)
    await enqueue(all)
    const first = await fresh.store.claim(['k'], 250, '1m')
    const second = await fresh.store.claim(['k'], 500, '1m')
    const some = [...second.slice(100, 200), ...first.slice(0, 120), ...second.slice(300)]
    expect(await fresh.store.settle(some.map(done))).toEqual([])
    expect((await fresh.queue.counts()).k).toMatchObject({ DONE: 270, RUNNING: 330 })
    const rest = [...first, ...second].filter((job) => !some.includes(job))
    expect(await fresh.store.settle(rest.map(done))).toEqual([])
    expect((await fresh.queue.counts()).k).toMatchObject({ DONE: 600, RUNNING: 0 })
    expect(await ask(fresh.url, 'select from runutil.job_claims')).toEqual([])
    const last = (await fresh.queue.get(all[599]!))!
    expect(last.attemptsDone).toBe(1)
    expect(last.lastAttemptAt).toBeInstanceOf(Date)
  })

  it('frees the jobs that wait for them', async () => {
    const all = ids(200)
    await enqueue(all)
    await fresh.queue.enqueue({ id: 'after', kind: 'other', after: [all[0]!, all[199]!] })
    const jobs = await fresh.store.claim(['k'], 200, '1m')
    expect(await fresh.store.settle(jobs.map(done))).toEqual([])
    expect((await fresh.store.claim(['other'], 1, '1m')).map(({ id }) => id)).toEqual(['after'])
  })
})
