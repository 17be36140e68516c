import { Manager } from 'runutil/dispatch'
import { type Database, PostgresActionLedger, migrate } from 'runutil/postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kindsOfDatabase } from '../support/postgres/databases.ts'

const CALLS = 20
const POLL_MS = 1_000

/** The statements of one ledger. */
class Statements {
  readonly database: Database
  #all: { readonly text: string; readonly params: readonly unknown[] }[] = []

  constructor(database: Database) {
    const query: Database['query'] = (statement, params = [], options) => {
      this.#all.push({ text: statement.text, params })
      return database.query(statement, params, options)
    }
    this.database = new Proxy(database, {
      get: (target, key) => {
        const own: unknown = key === 'query' ? query : Reflect.get(target, key)
        return typeof own === 'function' ? (own.bind(target) as unknown) : own
      },
    })
  }

  forget(): void {
    this.#all = []
  }

  count(part: string): number {
    return this.#all.filter(({ text }) => text.includes(part)).length
  }

  /** The workers that asked for their next task, each as often as it did. */
  get takers(): unknown[] {
    return this.#all.flatMap(({ text, params }) => (text.includes('take_task') ? [params[0]] : []))
  }
}

describe.each(kindsOfDatabase)('a do, in $name', ({ name, open }) => {
  let database: Database
  beforeAll(async () => {
    database = await open()
    await migrate(database)
  })
  afterAll(() => database?.close())

  /** Transactions that have written. Nobody else uses an embedded one; a server's number counts for all of its databases. */
  async function writes(): Promise<number> {
    if (name !== 'PGlite') return NaN
    const text = 'select pg_snapshot_xmax(pg_current_snapshot())::text::float8'
    const [row] = await database.query<[number]>({ text })
    return row![0]
  }

  let operations = 0
  /** One action after another for one of many targets, whose workers are of the same ledger or of another. */
  async function measured(targets: number, isElsewhere: boolean) {
    const operation = `operation ${++operations}`
    const here = new Statements(database)
    const there = new Statements(database)
    const managerOf = (statements: Statements): Manager =>
      new Manager({ operation, ledger: new PostgresActionLedger(statements.database, { lease: '1h' }) })
    const manager = managerOf(here)
    const workers = isElsewhere ? managerOf(there) : manager
    const stop = new AbortController()
    const managers = isElsewhere ? [manager, workers] : [manager]
    const running = managers.map((each) => each.run(stop.signal))
    const names = Array.from({ length: targets }, (_, at) => `target ${at}`)
    await Promise.all(names.map((target) => workers.workers.register('host', target, () => {}).ready))
    // Their first look is over, and what is done once.
    for (const target of names) await manager.do(target, 0).completed
    for (const each of [here, there]) each.forget()
    const begin = performance.now()
    const before = await writes()
    for (let at = 0; at < CALLS; at++) await manager.do(names[0]!, at).completed
    const written = (await writes()) - before
    const polls = Math.floor((performance.now() - begin) / POLL_MS) + 1
    const count = (part: string): number => here.count(part) + there.count(part)
    const takers = [...here.takers, ...there.takers]
    const found = {
      written,
      polls,
      changes: count('change_actions'),
      lookUps: count('select host, exclusive'),
      reads: count('action_records'),
      asked: count('quiet_workers'),
      takes: takers.length,
      takers: new Set(takers).size,
    }
    stop.abort()
    await Promise.all(running)
    return found
  }

  it.each([1, 8, 40])('is written twice and wakes none of %i workers here', async (targets) => {
    const { written, polls, ...found } = await measured(targets, false)
    expect(found).toMatchObject({ changes: 2 * CALLS, lookUps: 0 })
    // Of the follower and for all workers, as often as they look without being woken.
    expect(found.reads).toBeLessThanOrEqual(polls)
    expect(found.asked).toBeLessThanOrEqual(polls)
    // One that looks while it is given a task finds it there.
    expect(found.takes).toBeLessThanOrEqual(polls)
    if (name === 'PGlite') expect(written).toBeLessThanOrEqual(2 * CALLS + polls)
  })

  it.each([1, 8, 40])('is written three times and wakes one of %i workers elsewhere', async (targets) => {
    const { written, polls, ...found } = await measured(targets, true)
    expect(found).toMatchObject({ changes: 2 * CALLS, lookUps: CALLS })
    // Each of two followers reads what the other side has written, and may still have to read of the call before.
    expect(found.reads).toBeLessThanOrEqual(2 * (CALLS + 1 + polls))
    expect(found.asked).toBeLessThanOrEqual(polls)
    expect(found.takes).toBeLessThanOrEqual(CALLS + polls)
    expect(found.takers).toBeLessThanOrEqual(1 + polls)
    if (name === 'PGlite') expect(written).toBeLessThanOrEqual(3 * CALLS + polls)
  })

  it('is performed and seen to end where no notification arrives', async () => {
    const deaf = new Proxy(database, {
      get: (target, key) => {
        if (key === 'listen') return () => Promise.resolve(async () => {})
        const own: unknown = Reflect.get(target, key)
        return typeof own === 'function' ? (own.bind(target) as unknown) : own
      },
    })
    const managerOf = (): Manager =>
      new Manager({ operation: 'deaf', ledger: new PostgresActionLedger(deaf) })
    const here = managerOf()
    const elsewhere = managerOf()
    const stop = new AbortController()
    const running = [here, elsewhere].map((each) => each.run(stop.signal))
    await elsewhere.workers.register('host', 'target', () => {}).ready
    for (let at = 0; at < 2; at++) {
      expect(await here.do('target', at).completed).toMatchObject({ input: at, status: 'succeeded' })
    }
    stop.abort()
    await Promise.all(running)
  })
})
