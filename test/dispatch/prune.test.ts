import { Manager } from 'runutil/dispatch'
import { PostgresActionLedger } from 'runutil/postgres'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kindsOfDatabase } from '../support/postgres/databases.ts'
import { untilAbort } from '../support/outcome.ts'
import { migratedDatabase } from '../support/postgres/migrated-database.ts'

describe.each(kindsOfDatabase)('actions in $name that are pruned', ({ open }) => {
  const fresh = migratedDatabase(beforeAll, open)

  let ledger: PostgresActionLedger
  let manager: Manager
  beforeEach(async () => {
    await fresh.database.query({
      text: 'truncate runutil.actions, runutil.action_records, runutil.live_workers cascade',
    })
    ledger = new PostgresActionLedger(fresh.database)
    manager = new Manager({ operation: 'test', ledger })
    const stop = new AbortController()
    const run = manager.run(stop.signal)
    return async () => {
      stop.abort()
      await run
    }
  })

  async function left(): Promise<unknown[]> {
    const inputs: unknown[] = []
    for await (const { input } of manager.actions.search()) inputs.push(input)
    return inputs
  }

  async function countOf(table: string): Promise<number> {
    const [row] = await fresh.database.query<[number]>({ text: `select count(*)::int from runutil.${table}` })
    return row![0]
  }

  /** As if all that there is were of an hour ago. */
  async function anHourPasses(): Promise<void> {
    await fresh.database.query({ text: `update runutil.action_records set at = at - interval '1 hour'` })
    await fresh.database.query({
      text: `update runutil.live_workers set expires = expires - interval '1 hour'`,
    })
  }

  it('have ended so long ago; those that run and younger ones stay', async () => {
    const gate = new AbortController()
    manager.workers.register('host', 'busy', () => untilAbort(gate.signal))
    manager.workers.register('host', 'quick', () => {})
    const running = manager.do('busy', 'running')
    await running
    for (let n = 0; n < 600; n += 100) {
      await Promise.all(Array.from({ length: 100 }, () => manager.do('quick', 'old').completed))
    }
    await fresh.database.query({ text: `update runutil.action_records set at = at - interval '1 hour'` })
    await manager.do('quick', 'young').completed
    expect(await ledger.prune('2h')).toBe(0)
    expect(await ledger.prune('30m')).toBe(600)
    expect(await left()).toEqual(['running', 'young'])
    expect(await countOf('action_records')).toBe(2)
    gate.abort()
    expect((await running.completed).status).toBe('succeeded')
    expect(await left()).toEqual(['running', 'young'])
    expect(await ledger.prune(0)).toBe(2)
    expect(await left()).toEqual([])
    expect(await countOf('action_records')).toBe(0)
    expect([...manager.workers].map(({ target }) => target).sort()).toEqual(['busy', 'quick'])
  })

  it('take the workers along that are gone as long', async () => {
    const register = (target: string) =>
      ledger.exchange.register({ operation: 'test', host: 'host', target }, new AbortController().signal)
    const gone = await register('gone')
    await ledger.dispatch({
      id: '1',
      operation: 'test',
      host: 'host',
      target: 'gone',
      input: 1,
      status: 'running',
      createdAt: 1,
      updatedAt: 1,
    })
    await anHourPasses()
    const live = await register('live')
    await ledger.prune('30m')
    expect([await countOf('live_workers'), await countOf('worker_tasks')]).toEqual([1, 0])
    expect(await ledger.exchange.present('test')).toEqual([
      { operation: 'test', host: 'host', target: 'live' },
    ])
    await Promise.all([gone.withdraw(1), live.withdraw(1)])
  })

  it('by several at once, while actions go on, are no others', async () => {
    manager.workers.register('host', 'target', () => {})
    const oldOnes = Array.from({ length: 300 }, (_, input) => manager.do('target', input).completed)
    await Promise.all(oldOnes)
    await fresh.database.query({ text: `update runutil.action_records set at = at - interval '1 hour'` })
    const done = Array.from({ length: 200 }, (_, input) => manager.do('target', input).completed)
    const pruned = await Promise.all([1, 2, 3].map(() => ledger.prune('30m')))
    expect(pruned.reduce((sum, each) => sum + each)).toBe(300)
    const inputs = (await Promise.all(done)).map(({ input }) => input)
    expect(await left()).toEqual(inputs)
  })

  it('are none for what is no age', async () => {
    await expect(ledger.prune('soon')).rejects.toThrow('prune: expected a duration')
  })
})
