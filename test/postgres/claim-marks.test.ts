import fc from 'fast-check'
import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import type { LeasedJob, NewJob } from 'runutil/queue'
import { Probe, VirtualClock } from 'runutil/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { jobStatements } from '../../packages/runutil/src/postgres/queue/job-statements.ts'
import { ScanMarks, NO_MARKS } from '../../packages/runutil/src/postgres/queue/scan-marks.ts'
import { createDatabase } from '../support/postgres/create-database.ts'

/** Holder, claims that it holds, crashes, last chance, bytes, or one. */
const NO_OPTIONS = [null, null, null, true, null, true, null, 0]
const HOUR_MS = 3_600_000
const SLOW_MS = 3_600_000
const at = (ms: number, given: Partial<LeasedJob> = {}): LeasedJob =>
  ({ kind: 'a', priority: 0, runAt: new Date(ms), ...given }) as LeasedJob

function newJob(id: string, priority = 0): NewJob {
  return { id, kind: 'a', payload: 'null', runAt: undefined, priority, key: undefined }
}

describe('marks', () => {
  it('are not used while a look at all is fast, or has many jobs to explain its time', () => {
    const marks = new ScanMarks()
    marks.claimed([at(5_000)], NO_MARKS, 20)
    expect(marks.columns(['a'])).toBe(NO_MARKS)
    marks.claimed(Array<LeasedJob>(2_000).fill(at(5_000)), NO_MARKS, 120)
    expect(marks.columns(['a'])).toBe(NO_MARKS)
  })

  it('lie a second before the last job that was claimed, for each kind and priority', () => {
    const marks = new ScanMarks()
    marks.claimed(
      [at(9_000, { priority: 2 }), at(5_000), at(7_000), at(8_000, { kind: 'b' })],
      NO_MARKS,
      SLOW_MS,
    )
    expect(marks.columns(['a', 'c'])).toEqual(['{"a","a"}', '{2,0}', '{8000,6000}'])
    expect(marks.columns(['b'])).toEqual(['{"b"}', '{0}', '{7000}'])
    expect(marks.columns(['c'])).toBe(NO_MARKS)
  })

  it('move on with what is claimed from them, and never back', () => {
    const marks = new ScanMarks()
    marks.claimed([at(5_000)], NO_MARKS, SLOW_MS)
    marks.claimed([at(6_000)], marks.columns(['a']), 1)
    expect(marks.columns(['a'])[2]).toBe('{5000}')
    marks.claimed([at(3_000)], NO_MARKS, SLOW_MS)
    expect(marks.columns(['a'])[2]).toBe('{5000}')
  })

  it('are left out when jobs were given back, and forgotten when a look at all is fast again', () => {
    const marks = new ScanMarks()
    marks.claimed([at(5_000)], NO_MARKS, SLOW_MS)
    marks.rescanAll()
    expect(marks.columns(['a'])).toBe(NO_MARKS)
    marks.claimed([], NO_MARKS, SLOW_MS)
    expect(marks.columns(['a'])[2]).toBe('{4000}')
    marks.claimed([], NO_MARKS, 1)
    expect(marks.columns(['a'])).toBe(NO_MARKS)
  })

  it('are kept for 8 priorities of a kind at most', () => {
    const marks = new ScanMarks()
    marks.claimed(
      Array.from({ length: 20 }, (_, priority) => at(10_000 + priority, { priority })),
      NO_MARKS,
      SLOW_MS,
    )
    expect(marks.columns(['a'])[1]).toBe('{12,13,14,15,16,17,18,19}')
  })
})

describe.each(['a server', 'memory'])('a claim from marks, in %s', (place) => {
  let database: Database
  beforeAll(async () => {
    database = await openDatabase(
      place === 'memory' ? 'memory:' : await createDatabase(inject('postgresUrl')),
    )
    await migrate(database)
  })
  afterAll(() => database?.close())

  const clock = new VirtualClock()
  const job = fc.record({ priority: fc.integer({ min: -2, max: 2 }), afterMs: fc.constantFrom(0, 1, 10) })
  const mark = fc.record({ priority: fc.integer({ min: -2, max: 2 }), atMs: fc.nat(100) })

  it('has those of a marked priority from its mark on, and all others, in their order', async () => {
    const store = new PostgresJobStore(database, { clock })
    const jobs = fc.array(job, { maxLength: 12 })
    const marks = fc.uniqueArray(mark, { maxLength: 4, selector: ({ priority }) => priority })
    let run = 0
    const holds = fc.asyncProperty(
      jobs,
      marks,
      fc.integer({ min: 1, max: 8 }),
      async (given, marked, limit) => {
        const kind = `kind ${++run}`
        const from = clock.now()
        const stored: { id: string; priority: number; runAt: number }[] = []
        for (const [index, { priority, afterMs }] of given.entries()) {
          await clock.advance(afterMs)
          const id = `${run}-${index}`
          await store.insert([{ ...newJob(id, priority), kind }])
          stored.push({ id, priority, runAt: clock.now() })
        }
        const columns = [
          `{${marked.map(() => `"${kind}"`).join()}}`,
          `{${marked.map(({ priority }) => priority).join()}}`,
          `{${marked.map(({ atMs }) => from + atMs).join()}}`,
        ]
        const params = [
          `{"${kind}"}`,
          limit,
          60_000,
          false,
          clock.now(),
          25,
          ...columns,
          'jobs',
          ...NO_OPTIONS,
        ]
        const rows = await database.query({ text: jobStatements('runutil').claim.text }, params)
        const expected = stored
          .filter(({ priority, runAt }) =>
            marked.every((each) => each.priority !== priority || runAt >= from + each.atMs),
          )
          .sort((a, b) => b.priority - a.priority || a.runAt - b.runAt)
        expect(rows.map(([id]) => id)).toEqual(expected.slice(0, limit).map(({ id }) => id))
      },
    )
    await fc.assert(holds, { numRuns: place === 'memory' ? 30 : 60 })
  })
})

describe('a store whose looks at all are slow', () => {
  let database: Database
  let store: PostgresJobStore
  beforeEach(async () => {
    database = await openDatabase(await createDatabase(inject('postgresUrl')))
    await migrate(database)
    await database.transaction((tx) =>
      tx.script(`
        create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.2); return new; end $$;
        create trigger slow before insert on runutil.job_claims for each row execute function slow()`),
    )
    store = new PostgresJobStore(database)
    await store.insert([newJob('new')])
    expect((await store.claim(['a'], 1, '1m')).map(({ id }) => id)).toEqual(['new'])
  })
  afterEach(() => database.close())

  /** As one that was given back: its time is over for long. */
  const putOld = (): Promise<unknown> => {
    const clock = new VirtualClock({ now: Date.now() - HOUR_MS })
    return new PostgresJobStore(database, { clock }).insert([newJob('old')])
  }

  /** As other processes do: one sees that leases ran out, one frees their jobs a moment later. */
  const freeExpired = async (): Promise<void> => {
    await new PostgresJobStore(database).claim(['nobody'], 1, '1m')
    const text = `update runutil.job_claims set suspect_since = suspect_since - interval '1 s'`
    await database.query({ text })
    await new PostgresJobStore(database).claim(['nobody'], 1, '1m')
  }

  it('misses a job of the past for a while, and has it then', async () => {
    await putOld()
    expect(await store.claim(['a'], 1, '1m')).toEqual([])
    await expect.poll(() => store.claim(['a'], 1, '1m')).toMatchObject([{ id: 'old' }])
  })

  it('has it at once when it has given back one itself', async () => {
    await putOld()
    await store.insert([newJob('next')])
    const [next] = await store.claim(['a'], 1, '1m')
    expect(next!.id).toBe('next')
    await store.release([next!])
    expect(await store.claim(['a'], 1, '1m')).toMatchObject([{ id: 'old' }])
  })

  it.each([
    ['has given one back', (other: PostgresJobStore, jobs: LeasedJob[]) => other.release(jobs)],
    ['frees one whose lease has run out', () => freeExpired()],
  ])('has it at once when another process %s', async (_, giveBack) => {
    await putOld()
    const other = new PostgresJobStore(database)
    const [old] = await other.claim(['a'], 1, 0)
    expect(old!.id).toBe('old')
    const heard = new Probe('heard')
    const unlisten = await store.listen(() => heard.hit())
    await giveBack(other, [old!])
    await heard.times(1)
    expect(await store.claim(['a'], 1, '1m')).toMatchObject([{ id: 'old' }])
    await unlisten()
  })

  it('has new ones at once, whatever their priority', async () => {
    await store.insert([newJob('low', -1), newJob('high', 1), newJob('same')])
    const jobs = await store.claim(['a'], 9, '1m')
    expect(jobs.map(({ id }) => id)).toEqual(['high', 'same', 'low'])
  })
})
