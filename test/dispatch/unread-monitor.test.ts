import { Actions, type ActionRecord, MemoryActionLedger } from 'runutil/dispatch'
import { type Database, PostgresActionLedger, type Statement, migrate, openDatabase } from 'runutil/postgres'
import { describe, expect, it } from 'vitest'
import { freshDatabase } from '../support/postgres/databases.ts'
import { UnreadChanges } from '../../packages/runutil/src/dispatch/unread-changes.ts'

const record = (id: string, output: unknown = 0): ActionRecord => ({
  id,
  operation: 'test',
  host: 'h',
  target: 't',
  input: {},
  output,
  status: 'running',
  createdAt: 1,
  updatedAt: 1,
})

describe('changes that nobody reads', () => {
  it('are kept up to a number; then it is known that some are missing', async () => {
    const changes = new UnreadChanges(undefined)
    const push = (revision: number): unknown => changes.push({ record: record('1'), revision })
    for (let revision = 1; revision <= 20_000; revision++) push(revision)
    for (let revision = 1; revision <= 1_000; revision++)
      expect(await changes.next()).toMatchObject({ revision })
    expect(await changes.next()).toBe('dropped')
    push(20_001)
    expect(await changes.next()).toMatchObject({ revision: 20_001 })
    changes.close()
  })

  it('let whoever reads a ledger for them wait, until there is room or nobody wants them', async () => {
    const changes = new UnreadChanges(undefined)
    const push = () => changes.push({ record: record('1'), revision: 1 })
    for (let pushed = 1; pushed < 500; pushed++) expect(push()).toBeUndefined()
    const room = push()
    expect(push()).toBe(room)
    for (let read = 0; read < 2; read++) await changes.next()
    await room
    void push()
    const again = push()
    changes.close()
    await again
  })
})

describe('a monitor that reads nothing for a while', () => {
  it('then has what each action came to, and goes on', async () => {
    const ledger = new MemoryActionLedger()
    for (const id of ['1', '2', '3']) await ledger.create(record(id))
    const monitor = new Actions<object, number>('test', ledger)
      .search({}, { monitor: true })
      [Symbol.asyncIterator]()
    const seen: [string, number | undefined][] = []
    const read = async (): Promise<void> => {
      const { id, output } = (await monitor.next()).value as { id: string; output?: number }
      seen.push([id, output])
    }
    for (let listed = 0; listed < 3; listed++) await read()
    const waiting = read()
    await ledger.update({ id: '1', updatedAt: 2, output: 1 })
    await waiting
    for (let change = 2; change <= 3_000; change++) {
      await ledger.update({ id: `${(change % 2) + 1}`, updatedAt: change, output: change })
    }
    while (![2_999, 3_000].every((last) => seen.some(([, output]) => output === last))) await read()
    expect(seen.length).toBeLessThan(1_010)
    expect(seen.slice(3, 13).map(([, output]) => output)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(new Map(seen)).toEqual(
      new Map([
        ['1', 3_000],
        ['2', 2_999],
        ['3', 0],
      ]),
    )
    // What was missed is told of once.
    const count = seen.length
    await ledger.update({ id: '3', updatedAt: 9, output: 3_001 })
    await read()
    expect(seen.slice(count)).toEqual([['3', 3_001]])
    await monitor.return?.()
  })

  it.each(['another', 'its own'])(
    'lets the database keep those of %s ledger, and misses none',
    async (whose) => {
      const { url, drop } = await freshDatabase()
      const database = await openDatabase(url)
      await migrate(database)
      const counting = new CountingDatabase(database)
      const ledger = new PostgresActionLedger(counting)
      await ledger.create(record('1'))
      const author = whose === 'another' ? new PostgresActionLedger(database) : ledger
      const monitor = new Actions<object, number>('test', ledger)
        .search({}, { monitor: true })
        [Symbol.asyncIterator]()
      await monitor.next()
      const first = monitor.next()
      const changes = Array.from({ length: 1_500 }, (_, at) => at + 1)
      await Promise.all(changes.map((output) => author.update({ id: '1', updatedAt: output, output })))
      const seen = [((await first).value as { output: number }).output]
      if (whose === 'another') await counting.rows(500)
      expect(counting.read).toBeLessThan(1_100)
      while (seen.length < changes.length) {
        seen.push(((await monitor.next()).value as { output: number }).output)
      }
      expect(seen).toEqual(changes)
      await monitor.return?.()
      await database.close()
      await drop()
    },
  )
})

/** Counts the changes that were read. */
class CountingDatabase implements Database {
  readonly kind = 'postgres'
  readonly listens = true
  readonly #database: Database
  #watch = (): void => {}
  read = 0

  constructor(database: Database) {
    this.#database = database
  }

  async rows(count: number): Promise<void> {
    while (this.read < count) await new Promise<void>((resolve) => (this.#watch = resolve))
  }

  async query<Row extends unknown[]>(statement: Statement, params?: readonly unknown[]): Promise<Row[]> {
    const rows = await this.#database.query<Row>(statement, params)
    if (statement.text.includes('from "runutil".action_records\n')) {
      this.read += rows.length
      this.#watch()
    }
    return rows
  }

  readonly transaction: Database['transaction'] = (body) => this.#database.transaction(body)
  readonly listen: Database['listen'] = (channel, callback) => this.#database.listen(channel, callback)
  readonly close = (): Promise<void> => this.#database.close()
  readonly [Symbol.asyncDispose] = this.close
}
