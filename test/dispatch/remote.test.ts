import { type Action, ErrNoWorker, Manager } from 'runutil/dispatch'
import {
  type Database,
  DatabaseClosedError,
  PostgresActionLedger,
  migrate,
  openDatabase,
} from 'runutil/postgres'
import { Probe } from 'runutil/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../support/postgres/databases.ts'
import { failureOf } from '../support/outcome.ts'
import { Device } from '../support/dispatch/device.ts'
import { eventually } from '../support/eventually.ts'

let fresh: FreshDatabase
beforeAll(async () => {
  fresh = await freshDatabase()
  const database = await openDatabase(fresh.url)
  await migrate(database)
  await database.close()
})
afterAll(() => fresh.drop())

let database: Database
let manager: Manager<object, { by: number; echo: unknown }>
let stop: AbortController
let run: Promise<void>
const devices: Device[] = []
beforeEach(async () => {
  database = await openDatabase(fresh.url)
  await database.query({
    text: 'truncate runutil.actions, runutil.action_records, runutil.live_workers cascade',
  })
  const ledger = new PostgresActionLedger(database, { lease: '2s' })
  manager = new Manager({ operation: 'test', ledger, gracePeriod: '2s' })
  stop = new AbortController()
  run = manager.run(stop.signal)
})
afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.end('SIGKILL')))
  stop.abort()
  await run
  await database.close()
})

async function device(host: string, ...targets: string[]): Promise<Device> {
  const started = new Device(fresh.url, host, targets)
  devices.push(started)
  await Promise.all(targets.map((target) => started.printed(`${target} is live`)))
  return started
}

describe('workers of other processes', () => {
  it('get tasks, and their answers come back', async () => {
    const one = await device('h1', 'a', 'b')
    const done = manager.do('a', { echo: [1] })
    expect(await done).toMatch(/^[0-9a-f-]{36}$/)
    const action = await done.completed
    expect(action).toMatchObject({ host: 'h1', target: 'a', status: 'succeeded', input: { echo: [1] } })
    expect(action.output).toEqual({ by: one.process.pid, echo: [1] })
    await eventually(() => expect(manager.workers.find('b')).toEqual({ host: 'h1', target: 'b' }))
  })

  it('take the calls of one tick in their order', async () => {
    const one = await device('h1', 'a')
    const all = Array.from({ length: 20 }, (_, echo) => manager.do('a', { echo }))
    await Promise.all(all.map(({ completed }) => completed))
    const begun = one.lines.flatMap((line) => /begins (.*)/.exec(line)?.[1] ?? [])
    expect(begun).toEqual(all.map((_, echo) => JSON.stringify({ echo })))
  })

  it('that throw are out, and what waits behind is lost', async () => {
    await device('h1', 'a')
    const first = manager.do('a', { throw: 'it fell off' })
    const second = manager.do('a', { echo: 2 })
    expect((await failureOf(first.completed)).message).toBe('it fell off')
    expect((await failureOf(second.completed)).message).toBe('worker lost')
    await Promise.all([first, second])
    expect(await failureOf(manager.do('a', { echo: 3 }))).toBeInstanceOf(ErrNoWorker)
  })

  it('that are killed lose their actions, and the next goes elsewhere', async () => {
    const one = await device('h1', 'a')
    const hanging = manager.do('a', { hang: true })
    const behind = manager.do('a', { echo: 1 })
    await hanging
    await one.end('SIGKILL')
    const begin = performance.now()
    expect((await failureOf(hanging.completed)).message).toBe('worker lost')
    expect((await failureOf(behind.completed)).message).toBe('worker lost')
    // Lease and grace period are 2 s each; it looks every second.
    expect(performance.now() - begin).toBeLessThan(8_000)
    await device('h2', 'a')
    expect((await manager.do('a', { echo: 2 }).completed).host).toBe('h2')
  })

  it('that come back on their host take what nobody had taken', async () => {
    const one = await device('h1', 'a')
    const hanging = manager.do('a', { hang: true })
    await hanging
    const waiting = manager.do('a', { echo: 'later' })
    await eventually(async () => {
      const [[count]] = (await database.query({
        text: 'select count(*)::int from runutil.worker_tasks where not taken',
      })) as [[number]]
      expect(count).toBe(1)
    })
    await one.end('SIGKILL')
    const again = await device('h1', 'a')
    expect((await waiting.completed).output).toEqual({ by: again.process.pid, echo: 'later' })
  })

  it('that stop cleanly finish their task and are gone at once', async () => {
    const one = await device('h1', 'a')
    const hanging = manager.do('a', { hang: true })
    await hanging
    await one.printed('a begins')
    await one.end('SIGTERM')
    expect((await hanging.completed).status).toBe('succeeded')
    expect(await failureOf(manager.do('a', { echo: 1 }))).toBeInstanceOf(ErrNoWorker)
  })

  it('of the same target wait until the other is gone', async () => {
    const one = await device('h1', 'a')
    const two = new Device(fresh.url, 'h2', ['a'])
    devices.push(two)
    await manager.do('a', { echo: 1 }).completed
    expect(two.lines).toEqual([])
    await one.end('SIGTERM')
    await two.printed('a is live')
    expect((await manager.do('a', { echo: 2 }).completed).host).toBe('h2')
  })

  it('that were frozen past their lease are registered again', async () => {
    const one = await device('h1', 'a')
    one.process.kill('SIGSTOP')
    await eventually(async () =>
      expect(await failureOf(manager.do('a', { echo: 1 }))).toBeInstanceOf(ErrNoWorker),
    )
    one.process.kill('SIGCONT')
    await eventually(async () =>
      expect((await manager.do('a', { echo: 2 }).completed).status).toBe('succeeded'),
    )
  })

  it('of this process are found as soon as they are registered', async () => {
    manager.workers.register('here', 'a', () => {})
    expect((await manager.do('a', {}).completed).host).toBe('here')
  })

  it('get one task at a time from eight managers', async () => {
    const one = await device('h1', 'a')
    const others = Array.from({ length: 7 }, () => {
      const ledger = new PostgresActionLedger(database, { lease: '2s' })
      const other = new Manager<object>({ operation: 'test', ledger })
      return { other, run: other.run(stop.signal) }
    })
    const all = [manager as Manager<object>, ...others.map(({ other }) => other)]
    const actions = await Promise.all(
      all.flatMap((each, at) => [1, 2, 3].map((nth) => each.do('a', { echo: [at, nth] }).completed)),
    )
    expect(actions.map(({ status }) => status)).toEqual(actions.map(() => 'succeeded'))
    expect(one.lines.filter((line) => line.includes('begins'))).toHaveLength(24)
    stop.abort()
    await Promise.all(others.map((each) => each.run))
  })
})

describe('a worker of this process that throws', () => {
  it('is not to be found at once', async () => {
    await manager.workers.register('here', 'a', () => Promise.reject(new Error('broken'))).ready
    expect((await failureOf(manager.do('a', {}).completed)).message).toBe('broken')
    expect(manager.workers.find('a')).toBeUndefined()
    await manager.workers.register('here', 'a', () => {}).ready
    expect((await manager.do('a', {}).completed).status).toBe('succeeded')
  })
})

describe('a monitor', () => {
  it('ends with an error when its database is closed', async () => {
    const other = await openDatabase(fresh.url)
    const elsewhere = new Manager({ operation: 'test', ledger: new PostgresActionLedger(other) })
    const seen = new Probe<Action>('seen')
    const watching = (async () => {
      for await (const action of elsewhere.actions.search({}, { monitor: true })) seen.hit(action)
    })()
    const failed = failureOf(watching)
    manager.workers.register('here', 'a', () => {})
    await manager.do('a', {}).completed
    await seen.times(1)
    await other.close()
    expect(await failed).toBeInstanceOf(DatabaseClosedError)
  })

  it('sees each change that other processes make, once and in order', async () => {
    await device('h1', 'a')
    const elsewhere = new Manager<object>({
      operation: 'test',
      ledger: new PostgresActionLedger(await openDatabase(fresh.url)),
    })
    const changes = new Probe<Action>('changes', '20s')
    const abort = new AbortController()
    const watching = (async () => {
      for await (const action of elsewhere.actions.search({}, { signal: abort.signal, monitor: true }))
        changes.hit(action)
    })()
    await manager.do('a', { echo: 'first' }).completed
    await changes.times(1)
    const done = Array.from({ length: 10 }, (_, echo) => manager.do('a', { echo }))
    const ids = await Promise.all(done)
    await Promise.all(done.map(({ completed }) => completed))
    await eventually(() => {
      for (const id of ids) {
        const mine = changes.values.filter((action) => action.id === id)
        expect(mine.map(({ status, output }) => [status, output !== undefined])).toEqual([
          ['running', false],
          ['running', true],
          ['succeeded', true],
        ])
      }
    })
    abort.abort()
    await watching
  })
})
