import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import type { NewJob, OnExists } from 'runutil/queue'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { newJob } from '../../packages/runutil/src/testing/job-store-case.ts'
import { ask } from '../support/postgres/ask.ts'
import { createDatabase } from '../support/postgres/create-database.ts'
import { type Answer, type Order, Racers } from '../support/queue/racers.ts'

/** As 1,000 by RACE_ROUNDS=1000. */
const ROUNDS = Number(process.env.RACE_ROUNDS ?? 20)
/** Of courses that take longer. */
const FEWER = Math.ceil(ROUNDS / 4)
const PROCESSES = 20
/** Of which so many do the jobs while the others still enqueue them. */
const WORKERS = 3

let url: string
let database: Database
let store: PostgresJobStore
let racers: Racers
beforeAll(async () => {
  url = await createDatabase(inject('postgresUrl'))
  database = await openDatabase(url, { max: 1 })
  await migrate(database)
  store = new PostgresJobStore(database)
  racers = await Racers.start(url, PROCESSES)
})
afterAll(async () => {
  await racers.stop()
  await database.close()
})
afterEach(async () => {
  expect(
    await ask(url, 'select deadlocks::int from pg_stat_database where datname = current_database()'),
  ).toEqual([{ deadlocks: 0 }])
})

const all = (order: (nth: number) => Order): Order[] =>
  Array.from({ length: PROCESSES }, (_, nth) => order(nth))

/** @returns the ids that were stored, once it is sure that one process stored all of them, and that the others know it */
function stored(answers: readonly Answer[], jobs: number, onExists: OnExists): string[] {
  const winners = answers.filter(({ enqueued }) => enqueued?.every(({ outcome }) => outcome === 'stored'))
  expect(winners).toHaveLength(1)
  const ids = winners[0]!.enqueued!.map(({ id }) => id).sort()
  expect(ids).toHaveLength(jobs)
  for (const answer of answers) {
    if (answer === winners[0]) continue
    if (onExists === 'fail') expect(answer.refused).toMatchObject({ code: 'ERR_JOB_EXISTS' })
    else expect(answer.enqueued?.map(({ outcome }) => outcome)).toEqual(Array(jobs).fill('skipped'))
    expect([...(answer.refused?.ids ?? answer.enqueued!.map(({ id }) => id))].sort()).toEqual(ids)
  }
  return ids
}

/** Some of the processes work until there is nothing to do. @returns the jobs that ended, in the order of their claims */
async function workOff(kind: string): Promise<string[]> {
  const ended: { id: string; claim: number }[] = []
  for (;;) {
    const answers = await racers.race(
      Array.from({ length: WORKERS }, () => ({ do: 'work', kinds: [kind], limit: 10 })),
    )
    const some = answers.flatMap((answer) => answer.ended!)
    expect(answers.flatMap(({ lost }) => lost!)).toEqual([])
    if (some.length === 0) return ended.sort((a, b) => a.claim - b.claim).map(({ id }) => id)
    ended.push(...some)
  }
}

async function noneIsLeft(kind: string, jobs: number): Promise<void> {
  const counts = (await store.counts())[kind]
  expect(counts).toEqual({ PENDING: 0, RUNNING: 0, DONE: jobs, FAILED: 0, PANIC: 0 })
}

/** first, then left and right, then last; each process gives them in another order. */
function graph(name: string, nth: number, change: Partial<NewJob> = {}, of = ''): NewJob[] {
  const id = (job: string): string => `${name} ${job}${of}`
  const after = (...jobs: string[]) => ({ ids: jobs.map(id), on: 'done' as const })
  const jobs = [
    newJob({ id: id('first'), kind: name, ...change }),
    newJob({ id: id('left'), kind: name, after: after('first'), ...change }),
    newJob({ id: id('right'), kind: name, after: after('first'), ...change }),
    newJob({ id: id('last'), kind: name, after: after('left', 'right'), ...change }),
  ]
  return [...jobs.slice(nth % 4), ...jobs.slice(0, nth % 4)]
}

describe('of 20 processes', () => {
  it.each<OnExists>(['fail', 'skip'])(
    'one enqueues the job of a unique key, onExists %s',
    async (onExists) => {
      for (let round = 0; round < ROUNDS; round++) {
        const kind = `unique ${onExists} ${round}`
        const unique = { key: 'k', until: 'ended' } as const
        const answers = await racers.race(
          all((nth) => ({ do: 'enqueue', jobs: [newJob({ id: `${kind} ${nth}`, kind, unique })], onExists })),
        )
        expect(await workOff(kind)).toEqual(stored(answers, 1, onExists))
      }
    },
    600_000,
  )

  it.each<OnExists>(['fail', 'skip'])(
    'one enqueues a graph, and all of it runs, onExists %s',
    async (onExists) => {
      for (let round = 0; round < ROUNDS; round++) {
        const kind = `graph ${onExists} ${round}`
        const answers = await racers.race(all((nth) => ({ do: 'enqueue', jobs: graph(kind, nth), onExists })))
        stored(answers, 4, onExists)
        const ended = await workOff(kind)
        expect([ended[0], ended.length, ended[3]]).toEqual([`${kind} first`, 4, `${kind} last`])
      }
    },
    600_000,
  )

  it('one enqueues a graph that is done while the others still try', async () => {
    for (let round = 0; round < FEWER; round++) {
      const kind = `busy ${round}`
      const answers = await racers.race(
        all((nth) =>
          nth < WORKERS
            ? { do: 'work', kinds: [kind], limit: 4 }
            : { do: 'enqueue', jobs: graph(kind, nth), onExists: 'skip' },
        ),
      )
      stored(answers.slice(WORKERS), 4, 'skip')
      await workOff(kind)
      await noneIsLeft(kind, 4)
    }
  }, 600_000)

  it('one enqueues a graph whose jobs have unique keys and, in each, other ids', async () => {
    for (let round = 0; round < FEWER; round++) {
      const kind = `keys ${round}`
      const jobs = (nth: number): NewJob[] =>
        graph(kind, nth, {}, ` of ${nth}`).map((job) => ({
          ...job,
          unique: { key: job.id.split(' ')[2]!, until: 'ended' },
        }))
      const answers = await racers.race(all((nth) => ({ do: 'enqueue', jobs: jobs(nth), onExists: 'skip' })))
      stored(answers, 4, 'skip')
      await workOff(kind)
      await noneIsLeft(kind, 4)
    }
  }, 600_000)

  it('each enqueues a job after one that ends meanwhile, and it runs', async () => {
    for (let round = 0; round < FEWER; round++) {
      const kind = `late ${round}`
      await store.insert([newJob({ id: `${kind} first`, kind })])
      const after = { ids: [`${kind} first`], on: 'done' as const }
      const answers = await racers.race(
        all((nth) =>
          nth === PROCESSES / 2
            ? { do: 'work', kinds: [kind], limit: 1 }
            : { do: 'enqueue', jobs: [newJob({ id: `${kind} ${nth}`, kind, after })], onExists: 'fail' },
        ),
      )
      expect(answers.flatMap(({ refused }) => refused ?? [])).toEqual([])
      await workOff(kind)
      await noneIsLeft(kind, PROCESSES)
    }
  }, 600_000)
})
