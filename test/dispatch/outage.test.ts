import { type Action, Manager } from 'runutil/dispatch'
import { type Database, PostgresActionLedger, migrate, openDatabase } from 'runutil/postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { StoreUnavailableError } from '../../packages/runutil/src/core/store-unavailable-error.ts'
import { Device } from '../support/dispatch/device.ts'
import { capturedLogger, withLogger } from '../support/logs.ts'
import { failureOf } from '../support/outcome.ts'
import { PostgresServer } from '../support/postgres/server.ts'
import { eventually } from '../support/eventually.ts'

const TARGETS = ['a', 'b', 'c', 'd']
/** Longer than any outage here, so that no worker is lost by one. */
const LEASE = '20s'

let server: PostgresServer
beforeAll(async () => void (server = await PostgresServer.start({ settings: { fsync: 'off' } })))
afterAll(() => server.stop())

let url: string
let database: Database
beforeEach(async () => {
  url = await server.createDatabase()
  database = await openDatabase(url)
  await migrate(database)
  return () => database.close()
})

const losses: [string, () => Promise<unknown>][] = [
  ['a fast restart', () => server.restart('fast')],
  ['a crash', () => server.restart('immediate')],
  ['terminated backends', () => server.terminateBackends(new URL(url).pathname.slice(1))],
]

it.each(losses)('%s loses no action and repeats none, and monitors miss nothing', async (_, lose) => {
  const devices = [
    new Device(url, 'h1', TARGETS.slice(0, 2), LEASE),
    new Device(url, 'h2', TARGETS.slice(2), LEASE),
  ]
  await Promise.all(TARGETS.map((target, at) => devices[at < 2 ? 0 : 1]!.printed(`${target} is live`)))
  const stop = new AbortController()
  const manager = new Manager<object>({
    operation: 'test',
    ledger: new PostgresActionLedger(database, { lease: LEASE }),
  })
  const { logger, lines } = capturedLogger()
  const run = withLogger(logger, () => manager.run(stop.signal))
  const seen: Action[] = []
  const watching = withLogger(logger, async () => {
    for await (const action of manager.actions.search({}, { monitor: true, signal: stop.signal }))
      seen.push(action)
  })

  // From here on, it has heard of all that is.
  await Promise.all(TARGETS.map((target) => manager.do(target, { echo: -1 }).completed))
  await eventually(() => expect(seen.length).toBeGreaterThanOrEqual(TARGETS.length))

  const unknown: number[] = []
  const done: Action[] = []
  let next = 0
  let stopping = false
  const call = async (target: string): Promise<void> => {
    while (!stopping) {
      const echo = next++
      try {
        done.push(await manager.do(target, { echo }).completed)
      } catch (error) {
        // Not reached, or not answered: whether it was done will be seen.
        if (!(error instanceof StoreUnavailableError)) throw error
        unknown.push(echo)
      }
    }
  }
  const callers = withLogger(logger, () => TARGETS.map(call))
  for (let times = 1; times <= 2; times++) {
    const enough = done.length + 40
    await eventually(() => expect(done.length).toBeGreaterThan(enough))
    await lose()
  }
  const enough = done.length + 40
  await eventually(() => expect(done.length).toBeGreaterThan(enough))
  stopping = true
  await Promise.all(callers)

  const echoesBegun = (): number[] =>
    devices
      .flatMap(({ lines }) => lines)
      .flatMap((line) => /begins (.*)/.exec(line)?.[1] ?? [])
      .map((input) => (JSON.parse(input) as { echo: number }).echo)
      .filter((echo) => echo >= 0)
  const certain = done.map(({ input }) => (input as { echo: number }).echo)
  // What a device prints comes later than what it reports through the database.
  await eventually(() => expect(echoesBegun()).toEqual(expect.arrayContaining(certain)))
  const begun = echoesBegun()
  expect(new Set(begun).size).toBe(begun.length)
  expect(certain.filter((echo) => !begun.includes(echo))).toEqual([])
  expect(begun.filter((echo) => !certain.includes(echo) && !unknown.includes(echo))).toEqual([])
  expect(done.every(({ status }) => status === 'succeeded')).toBe(true)
  // Five loops say that they have trouble and that it's over, some of them twice at a loss, and not each time they try.
  expect(lines.length).toBeLessThanOrEqual(40)
  // A change whose answer was lost is made again.
  const statuses = (id: string): Set<string> =>
    new Set(seen.filter((action) => action.id === id).map(({ status }) => status))
  await eventually(() => {
    for (const { id } of done) expect([...statuses(id)]).toEqual(['running', 'succeeded'])
  })
  stop.abort()
  await Promise.all([run, watching, ...devices.map((device) => device.end('SIGTERM'))])
})

describe('a manager that is started while the database is away', () => {
  it('runs when it is there', async () => {
    const { logger, lines } = capturedLogger()
    const manager = new Manager({ operation: 'test', ledger: new PostgresActionLedger(database) })
    const stop = new AbortController()
    const resume = await server.pause('fast')
    const run = withLogger(logger, () => manager.run(stop.signal))
    const registration = withLogger(logger, () => manager.workers.register('host', 'target', () => {}))
    expect(await failureOf(manager.do('target', 1))).toBeInstanceOf(StoreUnavailableError)
    await eventually(() => expect(lines.length).toBeGreaterThanOrEqual(2))
    await resume()
    await registration.ready
    expect((await manager.do('target', 2).completed).status).toBe('succeeded')
    stop.abort()
    await run
  })

  it('ends when it is told to', async () => {
    const manager = new Manager({ operation: 'test', ledger: new PostgresActionLedger(database) })
    const stop = new AbortController()
    const resume = await server.pause('immediate')
    const run = withLogger(capturedLogger().logger, () => manager.run(stop.signal))
    await failureOf(database.query({ text: 'select 1' }))
    stop.abort()
    await run
    await resume()
  })
})
