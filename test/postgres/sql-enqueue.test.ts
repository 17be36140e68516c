import { runAllWorkers } from 'runutil'
import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { ErrJobExists, JobQueue, QueueWorker } from 'runutil/queue'
import { Probe, drain } from 'runutil/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { ask } from '../support/postgres/ask.ts'
import { type FreshDatabase, freshDatabase, kindsOfDatabase } from '../support/postgres/databases.ts'
import { rejection } from '../support/postgres/rejection.ts'

/** A schema whose name has to be quoted, and cut for its channel. */
const SCHEMA = `it's a "queue" with a long name, long enough to be cut`
const S = `"${SCHEMA.replaceAll('"', '""')}"`

describe.each(kindsOfDatabase)('the SQL function enqueue, on $name', ({ open }) => {
  let database: Database
  let queue: JobQueue
  beforeAll(async () => {
    database = await open()
    await migrate(database, { schema: SCHEMA })
    queue = new JobQueue(new PostgresJobStore(database, { schema: SCHEMA }))
  })
  afterAll(() => database.close())

  const enqueue = async (args: string): Promise<string> => {
    const [row] = await database.query({ text: `select ${S}.enqueue(${args}) as id` })
    return (row as [string])[0]
  }

  it('stores a job as JobQueue.enqueue does', async () => {
    const before = Date.now()
    expect(
      await enqueue(
        `kind => ' Mail\t', payload => '{"to": "ada"}', id => ' mail-1\n', key => ' k ', priority => 3`,
      ),
    ).toBe('mail-1')
    await queue.enqueue({ id: 'mail-2', kind: 'mail', payload: { to: 'ada' }, key: 'k', priority: 3 })
    const bySql = await queue.get('mail-1')
    const byQueue = await queue.get('mail-2')
    expect({ ...bySql, id: 0, runAt: 0, createdAt: 0, updatedAt: 0 }).toEqual({
      ...byQueue,
      id: 0,
      runAt: 0,
      createdAt: 0,
      updatedAt: 0,
    })
    expect(bySql?.runAt.getTime()).toBeGreaterThan(before - 1_000)
    expect(bySql?.runAt).toEqual(bySql?.createdAt)
  })

  it('takes arguments by position too, and null where they have a default', async () => {
    const id = await enqueue(`'mail'`)
    expect(await queue.get(id)).toMatchObject({ kind: 'mail', payload: null, priority: 0 })
    const again = await enqueue(`'mail', null, null, null, null, null, null`)
    const job = await queue.get(again)
    expect(job).toMatchObject({ kind: 'mail', payload: null, priority: 0 })
    expect(job).not.toHaveProperty('key')
    await enqueue(`'mail', '[1]', 'third', '2100-01-01T00:00:00Z'`)
    expect(await queue.get('third')).toMatchObject({ payload: [1], runAt: new Date('2100-01-01T00:00:00Z') })
  })

  it('makes an id of the same form and order as JobQueue.enqueue', async () => {
    const ids = [await enqueue(`'mail'`), (await queue.enqueue({ kind: 'mail' })).id]
    // Until another millisecond.
    do ids.push(await enqueue(`'mail'`))
    while (ids.at(-1)!.slice(0, 13) === ids[0]!.slice(0, 13))
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
    expect(ids.at(-1)! > ids[0]!).toBe(true)
    const ms = parseInt(ids[0]!.replaceAll('-', '').slice(0, 12), 16)
    expect(Math.abs(ms - Date.now())).toBeLessThan(60_000)
  })

  it('runs it after a delay by its own clock, and at once where its time is past', async () => {
    await enqueue(`'later', delay => interval '1 day 1 hour', id => 'delayed'`)
    const delayed = await queue.get('delayed')
    expect(delayed!.runAt.getTime() - delayed!.createdAt.getTime()).toBe(25 * 3_600_000)
    for (const [id, time] of Object.entries({ old: '1960-01-01', ancient: '-infinity' })) {
      await enqueue(`'later', run_at => '${time}', id => '${id}'`)
      const job = await queue.get(id)
      expect(job?.runAt).toEqual(job?.createdAt)
    }
  })

  it.each([
    ['\u00a0\u2003mail\ufeff', 'mail'],
    ['ÄRGER Ω', 'ärger ω'],
    ['𐐀', '𐐨'],
  ])('normalises the kind %j as JobQueue.enqueue', async (given, stored) => {
    const id = await enqueue(`'${given}'`)
    const { id: other } = await queue.enqueue({ kind: given })
    expect((await queue.get(id))?.kind).toBe(stored)
    expect((await queue.get(other))?.kind).toBe(stored)
  })

  it.each([
    [`null`, 'kind: expected a text; got null'],
    [`' \t '`, "kind: expected a text that isn't empty; got E?' \\\\?t?\t? '"],
    [`repeat('a', 201)`, "kind: expected at most 200 characters; got 201: 'aaa"],
    [`repeat('😀', 101)`, "kind: expected at most 200 characters; got 202: '😀"],
    [`'k', id => ''`, "id: expected a text that isn't empty; got ''"],
    [`'k', id => repeat('a', 501)`, 'id: expected at most 500 characters; got 501'],
    [`'k', key => ''`, "key: expected a text that isn't empty; got ''"],
    [`'k', key => repeat('a', 301)`, 'key: expected at most 300 characters; got 301'],
    [
      `'k', to_json(repeat('a', 4194303))`,
      'payload: expected at most 4194304 characters of JSON; got 4194305',
    ],
    [`'k', run_at => now(), delay => '1s'`, 'expected run_at or delay; got both'],
    [`'k', run_at => 'infinity'`, 'run_at: expected a time before the year 10000; got infinity'],
    [`'k', run_at => '10000-01-01 00:00:00+00'`, 'run_at: expected a time before the year 10000'],
    [`'k', delay => '-1s'`, 'delay: expected from 0 to 100000000000000 ms, 3,000 years; got -00:00:01'],
    [`'k', delay => '4000 years'`, 'delay: expected from 0 to'],
    [`'k', unique_key => ' '`, "unique_key: expected a text that isn't empty; got ' '"],
    [`'k', unique_key => repeat('a', 301)`, 'unique_key: expected at most 300 characters; got 301'],
    [`'k', unique_until => 'started'`, 'unique_until: expected a unique_key beside it; got none'],
    [
      `'k', unique_key => 'u', unique_until => 'end'`,
      "unique_until: expected 'started' or 'ended'; got 'end'",
    ],
    [`'k', on_exists => 'ignore'`, "on_exists: expected 'fail', 'skip' or 'replace'; got 'ignore'"],
    [`'k', priority => -2147483648`, 'priority: expected a whole number from -2147483647 to 2147483647'],
  ])('refuses %s', async (args, message) => {
    const error = await rejection(enqueue(args))
    expect(error).toMatchObject({ code: '22023' })
    const plain = message.replaceAll(/[()]/g, '\\$&')
    expect((error as Error).message).toMatch(new RegExp(`enqueue: ${plain}`))
  })

  it('accepts what is exactly at its limits, as JobQueue.enqueue does', async () => {
    const id = await enqueue(
      `repeat('k', 200), to_json(repeat('a', 4194302)), repeat('😀', 250), key => repeat('a', 300)`,
    )
    expect(id).toBe('😀'.repeat(250))
    const job = await queue.get(id)
    expect(String(job?.payload)).toHaveLength(4_194_302)
    expect(job).toMatchObject({ kind: 'k'.repeat(200), key: 'a'.repeat(300) })
    await queue.cancel(id)
  })

  it('refuses an id that exists, which it names, and is refused one in turn', async () => {
    await enqueue(`'mail', id => 'it''s there'`)
    const error = await rejection(enqueue(`'other', id => ' it''s there '`))
    expect(error).toMatchObject({ code: '23505', detail: "Key (id)=(it's there) already exists." })
    expect((error as Error).message).toMatch("enqueue: a job exists already with the id 'it''s there'")
    expect(await rejection(queue.enqueue({ id: "it's there", kind: 'mail' }))).toBeInstanceOf(ErrJobExists)
  })

  it('skips or replaces a job that is there, by its id or its unique key, and returns its id', async () => {
    const unique = `'index', unique_key => ' doc-1 '`
    const first = await enqueue(`${unique}, payload => '1', id => 'index-1'`)
    expect(first).toBe('index-1')
    expect(await queue.get(first)).toMatchObject({ unique: { key: 'doc-1', until: 'ended' } })
    expect(await enqueue(`${unique}, payload => '2', on_exists => 'skip'`)).toBe(first)
    expect(await queue.get(first)).toMatchObject({ payload: 1 })
    expect(
      await enqueue(`${unique}, payload => '3', on_exists => 'replace', delay => '1h', priority => 2`),
    ).toBe(first)
    expect(await queue.get(first)).toMatchObject({ payload: 3, priority: 2 })
    expect(await enqueue(`'index', '4', 'index-1', on_exists => 'replace'`)).toBe(first)
    expect(await queue.get(first)).toMatchObject({ payload: 4, priority: 0 })
    expect(await enqueue(`'index', '5', 'index-1', on_exists => 'skip'`)).toBe(first)
    expect(await queue.get(first)).toMatchObject({ payload: 4 })
    const taken = await rejection(enqueue(unique))
    expect(taken).toMatchObject({ code: '23505', detail: 'Key (id)=(index-1) already exists.' })
    expect((taken as Error).message).toMatch("with the id 'index-1', and has the unique key 'doc-1'")
    const other = await rejection(enqueue(`'other', id => 'index-1', on_exists => 'replace'`))
    expect(other).toMatchObject({ code: '22023' })
    expect((other as Error).message).toMatch(
      "expected 'index', that of the job 'index-1', to replace it; got 'other'",
    )
  })

  it('gives a unique key up as it is told to', async () => {
    const ended = await enqueue(`'until', unique_key => 'e'`)
    const started = await enqueue(`'until', unique_key => 's', unique_until => 'started'`)
    const replacing = await enqueue(`'until', unique_key => 'r', on_exists => 'replace'`)
    const again: string[] = []
    const worker = new QueueWorker(queue).register('until', async ({ id }) => {
      if (id === ended) again.push(await enqueue(`'until', unique_key => 'e', on_exists => 'skip'`))
      if (id === started)
        again.push(await enqueue(`'until', unique_key => 's', on_exists => 'skip', delay => '1h'`))
      if (id === replacing)
        again.push(await enqueue(`'until', unique_key => 'r', on_exists => 'skip', delay => '1h'`))
    })
    await drain(queue, worker)
    expect(again.map((id) => [ended, started, replacing].includes(id))).toEqual([true, false, false])
  })

  it('is called by a trigger, in whose transaction the jobs are, or aren’t', async () => {
    const t = `${S}.orders`
    for (const text of [
      `create table ${t} (id integer primary key, mail text not null)`,
      `create function ${S}.confirm() returns trigger language plpgsql as $$ begin
        perform ${S}.enqueue('confirm', to_json(new), 'confirm-' || new.id);
        return null;
      end $$`,
      `create trigger confirm after insert on ${t} for each row execute function ${S}.confirm()`,
    ]) {
      await database.query({ text })
    }
    const failed = database.transaction(async (tx) => {
      await tx.query(`insert into ${t} values (1, 'ada')`)
      throw new Error('rolled back')
    })
    await expect(failed).rejects.toThrow('rolled back')
    expect(await queue.get('confirm-1')).toBeUndefined()
    await database.transaction((tx) =>
      tx.query(`insert into ${t} select n, 'ada' from generate_series(1, 20) as n`),
    )
    expect(await queue.get('confirm-20')).toMatchObject({ kind: 'confirm', payload: { id: 20, mail: 'ada' } })
  })

  it('wakes a worker that polls once an hour', async () => {
    const ran = new Probe<string>('ran')
    const worker = new QueueWorker(queue, { pollInterval: '1h', lease: '6h' }).register('woken', ({ id }) =>
      ran.hit(id),
    )
    const stop = new AbortController()
    const run = runAllWorkers([worker], stop.signal, { logger: capturedLogger().logger })
    await queue.enqueue({ id: 'before', kind: 'woken' })
    await ran.times(1)
    for (let nth = 1; nth <= 5; nth++) {
      const id = await enqueue(`'woken'`)
      expect((await ran.times(nth + 1)).at(-1)).toBe(id)
    }
    await enqueue(`'woken', delay => '0.3s'`)
    await ran.times(7)
    stop.abort()
    await run
  })
})

describe('the SQL function enqueue, for other programs', () => {
  let fresh: FreshDatabase
  let database: Database
  const roles = [`enqueuer_${process.pid}`, `nobody_${process.pid}`] as const
  beforeAll(async () => {
    fresh = await freshDatabase()
    database = await openDatabase(fresh.url)
    await migrate(database)
    for (const role of roles) await ask(fresh.url, `create role ${role} login password 'x'`)
    await ask(fresh.url, `grant usage on schema runutil to ${roles.join(', ')}`)
    await ask(fresh.url, `grant execute on function runutil.enqueue to ${roles[0]}`)
  })
  afterAll(async () => {
    await database.close()
    await fresh.drop()
    for (const role of roles) await ask(fresh.url.replace(/[^/]*$/, 'postgres'), `drop role ${role}`)
  })
  const urlOf = (username: string): string =>
    Object.assign(new URL(fresh.url), { username, password: 'x' }).href

  it('needs no other privilege than to execute it, and is for nobody without that', async () => {
    const enqueuing = `select runutil.enqueue('mail', id => 'mail-1') as id`
    expect(await ask(urlOf(roles[0]), enqueuing)).toEqual([{ id: 'mail-1' }])
    const queue = new JobQueue(new PostgresJobStore(database))
    expect(await queue.get('mail-1')).toMatchObject({ status: 'PENDING' })
    expect(await rejection(ask(urlOf(roles[1]), enqueuing))).toMatchObject({ code: '42501' })
    for (const text of ['select * from runutil.jobs', `select runutil.cancel_job('mail-1', null)`]) {
      expect(await rejection(ask(urlOf(roles[0]), text))).toMatchObject({ code: '42501' })
    }
  })

  it('announces many jobs of a transaction in a few notifications', async () => {
    const listener = new pg.Client(fresh.url)
    await listener.connect()
    const payloads: string[] = []
    const end = new Probe('end')
    listener.on('notification', ({ channel, payload = '' }) =>
      channel === 'end' ? end.hit() : payloads.push(payload),
    )
    await listener.query('listen "jobs.runutil"; listen "end"')
    const heard = async (text: string): Promise<unknown[]> => {
      await ask(fresh.url, text)
      const next = end.next()
      await ask(fresh.url, 'notify "end"')
      await next
      return payloads.splice(0).map((payload) => JSON.parse(payload) as unknown)
    }
    const many = `from generate_series(1, 100)`
    expect(await heard(`select runutil.enqueue('a') ${many}`)).toEqual([
      [['a', 1, 0]],
      [['a', 3, 0]],
      [['a', 12, 0]],
      [['a', 48, 0]],
    ])
    expect(await heard(`select runutil.enqueue('a')`)).toEqual([[['a', 1, 0]]])
    expect(await heard(`select runutil.enqueue(k) from unnest('{b,c,b,c}'::text[]) as k`)).toEqual([
      [['b', 1, 0]],
      [['c', 1, 0]],
    ])
    expect(await heard(`select runutil.enqueue('a', delay => '0.6s')`)).toEqual([[['a', 1, 750]]])
    expect(await heard(`select runutil.enqueue('a', delay => '2min')`)).toEqual([])
    await listener.end()
  })

  it.each(['repeatable read', 'serializable'])(
    'names an id that was taken meanwhile, in a %s transaction',
    async (level) => {
      const client = new pg.Client(fresh.url)
      await client.connect()
      await client.query(`begin isolation level ${level}`)
      await client.query('select 1 from runutil.jobs limit 1')
      await ask(fresh.url, `select runutil.enqueue('mail', id => '${level}')`)
      const error = await rejection(client.query(`select runutil.enqueue('mail', id => '${level}')`))
      expect(error).toMatchObject({ code: '23505', detail: `Key (id)=(${level}) already exists.` })
      await client.end()
    },
  )
})
