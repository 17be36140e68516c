import pg from 'pg'
import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { ErrJobExists, type Enqueued, type OnExists } from 'runutil/queue'
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest'
import { atOnce, done, newJob } from '../../packages/runutil/src/testing/job-store-case.ts'
import { createDatabase } from '../support/postgres/create-database.ts'
import { waitingFor } from '../support/postgres/waiting.ts'

/** As 1,000 by UNIQUE_ROUNDS=1000. */
const ROUNDS = Number(process.env.UNIQUE_ROUNDS ?? 20)
/** As many stores as processes, each with a connection of its own. */
const PROCESSES = 20

let url: string
let databases: Database[]
let stores: PostgresJobStore[]
let client: pg.Client
beforeAll(async () => {
  url = await createDatabase(inject('postgresUrl'))
  databases = await Promise.all(Array.from({ length: PROCESSES }, () => openDatabase(url, { max: 1 })))
  await migrate(databases[0]!)
  stores = databases.map((database) => new PostgresJobStore(database))
  client = new pg.Client(url)
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await Promise.all(databases.map((database) => database.close()))
})

let key: string
let keys = 0
beforeEach(() => void (key = `k${++keys}`))

const job = (id: string, of = key, until: 'started' | 'ended' = 'ended') =>
  newJob({ id: `${of} ${id}`, kind: key, unique: { key: of, until } })
const deadlocks = async (): Promise<number> => {
  const { rows } = await client.query<{ deadlocks: number }>(
    'select deadlocks::int from pg_stat_database where datname = current_database()',
  )
  return rows[0]!.deadlocks
}
const held = async (): Promise<string[]> => {
  const { rows } = await client.query<{ id: string }>('select id from runutil.job_unique where kind = $1', [
    key,
  ])
  return rows.map(({ id }) => id)
}
const jobs = async (): Promise<string[]> => {
  const { rows } = await client.query<{ id: string }>('select id from runutil.jobs where kind = $1', [key])
  return rows.map(({ id }) => id)
}

it.each<OnExists>(['fail', 'skip', 'replace'])(
  'of calls of 20 processes with one key exactly one stores its job, onExists %s',
  async (onExists) => {
    for (let round = 0; round < ROUNDS; round++) {
      key = `${onExists} ${round}`
      const results = await Promise.allSettled(
        stores.map((store, nth) => store.insert([job(`${nth}`)], { onExists })),
      )
      const enqueued = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
      const winners = enqueued.filter(({ outcome }) => outcome === 'stored')
      expect(winners).toHaveLength(1)
      expect(await jobs()).toEqual([winners[0]!.id])
      expect(await held()).toEqual([winners[0]!.id])
      for (const result of results) {
        if (result.status === 'fulfilled') expect(result.value[0]!.id).toBe(winners[0]!.id)
        else expect(result.reason).toMatchObject({ ids: [winners[0]!.id], code: 'ERR_JOB_EXISTS' })
      }
    }
    expect(await deadlocks()).toBe(0)
  },
  600_000,
)

it('calls with several keys, each in another order, store one job for each and never deadlock', async () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  for (let round = 0; round < ROUNDS; round++) {
    key = `orders ${round}`
    const calls = stores.map((store, nth) => {
      const order = names.map((_, at) => names[(at * (1 + (nth % 4)) + nth) % 5]!)
      const onExists = nth % 2 === 0 ? 'replace' : 'skip'
      return store.insert(
        order.map((name) => job(`${nth}`, `${key} ${name}`)),
        { onExists },
      )
    })
    const enqueued = (await atOnce(calls)).flat()
    expect(enqueued.filter(({ outcome }) => outcome === 'stored')).toHaveLength(5)
    expect((await jobs()).sort()).toEqual((await held()).sort())
    await client.query('delete from runutil.job_unique')
  }
  expect(await deadlocks()).toBe(0)
}, 600_000)

it('a key is free for one other as soon as its job has ended, whoever enqueues meanwhile', async () => {
  const ended: string[] = []
  const stored: Enqueued[] = []
  const enqueue = async (): Promise<void> => {
    const calls = stores
      .slice(1)
      .map((store, nth) => store.insert([job(`${stored.length} ${nth}`)], { onExists: 'skip' }))
    stored.push(...(await atOnce(calls)).flat().filter(({ outcome }) => outcome === 'stored'))
  }
  for (let round = 0; round < ROUNDS; round++) {
    const claimed = await stores[0]!.claim([key], 10, '1h')
    const [enqueued] = await Promise.all([enqueue(), stores[0]!.settle(claimed.map((one) => done(one)))])
    expect(enqueued).toBeUndefined()
    expect(claimed.length).toBeLessThanOrEqual(1)
    ended.push(...claimed.map(({ id }) => id))
  }
  await stores[0]!.settle(
    (await stores[0]!.claim([key], 10, '1h')).map((one) => (ended.push(one.id), done(one))),
  )
  expect(ended).toEqual(stored.map(({ id }) => id))
  expect(await held()).toEqual([])
}, 600_000)

it('what replaces a job while claims take it runs, with the last payload or as a job of its own', async () => {
  let sent = 0
  const seen: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const outcomes = new Set<number>()
    const replaceAll = stores.slice(4).map(async (store) => {
      const payload = ++sent
      await store.insert([{ ...job(`${payload}`, key, 'started'), payload: `${payload}` }], {
        onExists: 'replace',
      })
    })
    const claims = stores.slice(0, 4).map(async (store) => {
      const claimed = await store.claim([key], 10, '1h')
      for (const one of claimed) outcomes.add(one.payload as number)
      await store.settle(claimed.map((one) => done(one)))
    })
    await atOnce([...replaceAll, ...claims])
    // Whatever is left has the payload that came last.
    const left = await stores[0]!.claim([key], 10, '1h')
    expect(left.length).toBeLessThanOrEqual(1)
    await stores[0]!.settle(left.map((one) => done(one)))
    seen.push(...outcomes, ...left.map(({ payload }) => payload as number))
    expect(await held()).toEqual([])
  }
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen.length).toBeGreaterThanOrEqual(ROUNDS)
  expect(await deadlocks()).toBe(0)
}, 600_000)

it.each(['rollback', 'commit'])(
  'a call waits for a transaction that took the key, and its %s decides',
  async (end) => {
    await client.query('begin')
    await stores[0]!.insert([job('1')], { tx: client })
    const waiting = stores[1]!.insert([job('2')], { onExists: 'skip' })
    await waitingFor('transactionid', url)
    await client.query(end)
    const id = `${key} ${end === 'commit' ? 1 : 2}`
    expect(await waiting).toEqual([{ id, outcome: end === 'commit' ? 'skipped' : 'stored' }])
  },
)

it.each(['repeatable read', 'serializable'])('in a %s transaction, what it sees decides', async (level) => {
  await stores[0]!.insert([job('1')])
  await client.query(`begin isolation level ${level}`)
  try {
    const enqueue = (id: string, onExists: OnExists) => stores[0]!.insert([job(id)], { tx: client, onExists })
    expect(await enqueue('2', 'skip')).toEqual([{ id: `${key} 1`, outcome: 'skipped' }])
    expect(await enqueue('2', 'replace')).toEqual([{ id: `${key} 1`, outcome: 'replaced' }])
    await expect(enqueue('2', 'fail')).rejects.toBeInstanceOf(ErrJobExists)
    expect(await stores[0]!.insert([job('3', `${key} other`)], { tx: client })).toEqual([
      { id: `${key} other 3`, outcome: 'stored' },
    ])
    await client.query('commit')
  } finally {
    await client.query('rollback')
  }
  expect(await stores[1]!.get(`${key} other 3`)).toMatchObject({ status: 'PENDING' })
})

it('in a repeatable read transaction, a key taken since it began is a conflict to be repeated', async () => {
  await client.query('begin isolation level repeatable read')
  await client.query('select from runutil.jobs limit 1')
  await stores[1]!.insert([job('1'), newJob({ id: `${key} plain`, kind: key })])
  // An id can be told, a key's holder can't be seen.
  const plain = newJob({ id: `${key} plain`, kind: key })
  expect(await stores[0]!.insert([plain], { tx: client, onExists: 'skip' })).toEqual([
    { id: plain.id, outcome: 'skipped' },
  ])
  await expect(stores[0]!.insert([job('2')], { tx: client })).rejects.toMatchObject({ code: '40001' })
  await client.query('rollback')
})
