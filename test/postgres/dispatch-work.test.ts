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

  /** How often each worker asked for its next task. */
  takes(): Map<unknown, number> {
    const counts = new Map<unknown, number>()
    for (const { text, params } of this.#all)
      if (text.includes('take_task')) counts.set(params[0], (counts.get(params[0]) ?? 0) + 1)
    return counts
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
    const takes = [...here.takes().values(), ...there.takes().values()].sort((a, b) => b - a)
    const found = {
      written,
      polls,
      changes: count('change_actions'),
      lookUps: count('select host, exclusive'),
      reads: count('action_records'),
      takes,
    }
    stop.abort()
    await Promise.all(running)
    return found
  }

  it.each([1, 8, 40])(
    'is written twice and wakes nobody where one of %i workers here waits',
    async (targets) => {
      const { written, polls, changes, lookUps, reads, takes } = await measured(targets, false)
      if (name === 'PGlite') expect(written).toBe(2 * CALLS)
      expect(changes).toBe(2 * CALLS)
      expect(lookUps).toBe(0)
      // Of the follower and of each worker, as often as they look without being woken.
      expect(reads).toBeLessThanOrEqual(polls)
      for (const count of takes) expect(count).toBeLessThanOrEqual(polls)
    },
  )

  it.each([1, 8, 40])('is written three times and wakes one of %i workers elsewhere', async (targets) => {
    const { written, polls, changes, lookUps, reads, takes } = await measured(targets, true)
    if (name === 'PGlite') expect(written).toBe(3 * CALLS)
    expect(changes).toBe(2 * CALLS)
    expect(lookUps).toBe(CALLS)
    // Each of two followers reads what the other side has written.
    expect(reads).toBeLessThanOrEqual(2 * (CALLS + polls))
    const [first, ...others] = takes
    expect(first).toBeLessThanOrEqual(CALLS + polls)
    for (const count of others) expect(count).toBeLessThanOrEqual(polls)
  })
})
