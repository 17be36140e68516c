import type { ActionRecord } from 'runutil/dispatch'
import { PostgresActionLedger } from 'runutil/postgres'
import { beforeEach, expect, it } from 'vitest'
import { embeddedDatabase } from '../support/postgres/migrated-database.ts'
import { rowsRead } from '../support/postgres/rows-read.ts'

const FEW = 20
const MANY = 2_000
const INFO = { operation: 'test', host: 'host', target: 'a' }

// Embedded: one connection, which keeps its plans.
const fresh = embeddedDatabase(beforeEach)

const running = (id: string, info = INFO): ActionRecord => ({
  id,
  ...info,
  input: {},
  status: 'running',
  createdAt: 1,
  updatedAt: 1,
})

/** Not by `dispatch`: each second it asks for all actions of its process that wait. */
async function multiply(action: string): Promise<void> {
  await fresh.database.query({
    text: `insert into runutil.actions (id, operation, host, target, status, revision, record)
      select id || at, operation, host, target, status, revision, record
      from runutil.actions, generate_series(1, ${MANY}) as at where id = '${action}'`,
  })
  await fresh.database.query({
    text: `insert into runutil.worker_tasks (worker, action, input)
      select worker, action || at, input
      from runutil.worker_tasks, generate_series(1, ${MANY}) as at where action = '${action}'`,
  })
}

it('statements for actions read few rows of tables that were empty when they were planned', async () => {
  await fresh.database.query({ text: 'vacuum analyze' })
  const ledger = new PostgresActionLedger(fresh.database)
  const register = (target: string) =>
    ledger.exchange.register({ ...INFO, target, exclusive: true }, new AbortController().signal)
  const worker = await register('a')
  const other = await register('b')
  const live = async (prefix: string): Promise<void> => {
    for (let at = 0; at < FEW; at++) await ledger.dispatch(running(`${prefix}${at}`))
    for (let at = 0; at < FEW; at++) {
      const task = await worker.next()
      await ledger.update({ id: task!.action, status: 'succeeded', updatedAt: 2 })
      expect(await ledger.get(task!.action)).toMatchObject({ status: 'succeeded' })
    }
  }
  await live('first ')
  await ledger.dispatch(running('one', { ...INFO, target: 'b' }))
  await multiply('one')
  const before = await rowsRead(fresh.database)
  await live('second ')
  const read = [...(await rowsRead(fresh.database))]
    .map(([table, rows]): [string, number] => [table, rows - (before.get(table) ?? 0)])
    .filter(([, rows]) => rows > 1_500)
  expect(read).toEqual([])
  await worker.withdraw(3)
  await other.withdraw(3)
})

it('a page of the newest actions reads few rows, however many there are', async () => {
  await fresh.database.query({ text: 'vacuum analyze' })
  const ledger = new PostgresActionLedger(fresh.database)
  const readFor = async (call: () => Promise<unknown>): Promise<number> => {
    const before = (await rowsRead(fresh.database)).get('actions') ?? 0
    await call()
    return ((await rowsRead(fresh.database)).get('actions') ?? 0) - before
  }
  const pageOf = (hint: Partial<ActionRecord>, after?: string) => () =>
    ledger.newest({ operation: 'test', ...hint }, { limit: 50, after })
  const hints = [
    {},
    { status: 'running' },
    { status: 'failed' },
    { status: 'succeeded' },
    { target: 'b' },
  ] as const
  // The plans of an empty table are kept.
  for (const hint of hints) for (let at = 0; at < 6; at++) await pageOf(hint)()
  const many = Array.from({ length: 2 * MANY }, (_, at) =>
    running(`${at}`, { ...INFO, target: at === 7 ? 'b' : 'a' }),
  )
  await Promise.all(many.map((record) => ledger.create(record)))
  const others = Array.from({ length: MANY }, (_, at) =>
    running(`other ${at}`, { ...INFO, operation: 'other' }),
  )
  await Promise.all(others.map((record) => ledger.create(record)))
  const ended = many.filter((_, at) => at % 200 !== 0)
  await Promise.all(
    ended.map(({ id }, at) =>
      ledger.update({ id, status: at % 100 === 0 ? 'failed' : 'succeeded', updatedAt: 2 }),
    ),
  )
  for (const hint of hints) {
    for (const after of [undefined, '100'])
      expect(await readFor(pageOf(hint, after)), JSON.stringify(hint)).toBeLessThanOrEqual(1_001)
  }
  for (const status of ['running', 'failed'] as const) {
    expect(await readFor(pageOf({ status })), status).toBeLessThanOrEqual(50)
  }
})
