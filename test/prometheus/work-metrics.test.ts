import { MemoryCoordinateStore, createCoordinate } from 'runutil/coordinate'
import { Manager, MemoryActionLedger } from 'runutil/dispatch'
import { MemoryLeaseStore } from 'runutil/leases'
import { type ExpositionOptions, exposition } from 'runutil/prometheus'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { Context, newScope, withContext } from '../../packages/runutil/src/core/context.ts'
import { actionCounts } from '../../packages/runutil/src/metrics/action-counts.ts'
import { type Family, parseExposition, valueOf } from '../support/prometheus/parse-exposition.ts'

function fresh() {
  const clock = new VirtualClock()
  const coordinate = createCoordinate(new MemoryCoordinateStore(), { clock })
  const scraper = (options: ExpositionOptions) => {
    const tell = exposition(options)
    const context = new Context(newScope({ clock }), '')
    return async () => parseExposition((await withContext(context, tell)) || '\n')
  }
  return { clock, coordinate, scraper }
}

/** The value of each series, by its labels. */
function seriesOf(metrics: ReadonlyMap<string, Family>, name: string): Record<string, number> {
  const samples = metrics.get(name)?.samples ?? []
  return Object.fromEntries(samples.map(({ labels, value }) => [Object.values(labels).join(' '), value]))
}

describe('the exposition of work units', () => {
  it('has those that have not ended, by spec and status, and zeros of a spec without any', async () => {
    const { clock, coordinate, scraper } = fresh()
    const namespace = await coordinate.namespace('sites')
    const spec = await namespace.setWorkSpec({ name: 'crawl' })
    await (await coordinate.namespace('')).setWorkSpec({ name: 'plain' })
    await spec.addWorkUnits(['a', 'b', 'c', 'd'].map((name) => ({ name, data: { secret: 1 } })))
    const worker = await namespace.worker('w')
    await (await worker.makeAttempt(await spec.workUnit('a'))).fail()
    await (await worker.makeAttempt(await spec.workUnit('b'))).finish()
    await worker.makeAttempt(await spec.workUnit('c'))
    const scrape = scraper({ coordinate })
    expect(seriesOf(await scrape(), 'runutil_units')).toEqual({
      'plain available': 0,
      'plain pending': 0,
      'plain delayed': 0,
      'sites/crawl available': 1,
      'sites/crawl pending': 1,
      'sites/crawl delayed': 0,
    })
    await namespace.destroyWorkSpec('crawl')
    await clock.advance(2_000)
    expect(Object.keys(seriesOf(await scrape(), 'runutil_units'))).toHaveLength(3)
  })

  it('has 200 specs at most, the rest as one, and adds up those of one name', async () => {
    const { coordinate, scraper } = fresh()
    const namespace = await coordinate.namespace('a')
    for (let at = 0; at < 250; at++) {
      const spec = await namespace.setWorkSpec({ name: `spec-${String(at).padStart(3, '0')}` })
      await spec.addWorkUnit('u', {})
    }
    const units = (await scraper({ coordinate })()).get('runutil_units')!
    expect(new Set(units.samples.map(({ labels }) => labels['spec'])).size).toBe(201)
    const metrics = new Map([['runutil_units', units]])
    expect(valueOf(metrics, 'runutil_units', { spec: 'other', status: 'available' })).toBe(50)
  })

  it('leaves out what is unknown: all while the store fails or hangs, delayed ones while there are too many', async () => {
    const { clock, coordinate, scraper } = fresh()
    const scrape = scraper({ coordinate })
    const row = { namespace: 'a', workSpec: 'b', available: 10_001, pending: 2, delayed: undefined }
    coordinate.openUnits = () => Promise.resolve([row])
    expect(seriesOf(await scrape(), 'runutil_units')).toEqual({ 'a/b available': 10_001, 'a/b pending': 2 })
    await clock.advance(2_000)
    coordinate.openUnits = () => Promise.reject(new Error('no database'))
    expect((await scrape()).has('runutil_units')).toBe(false)
    await clock.advance(2_000)
    coordinate.openUnits = () => new Promise(() => {})
    const hanging = scrape()
    await clock.advance(2_000)
    expect((await hanging).has('runutil_units')).toBe(false)
  })

  it('asks the store once in 2 s, and only in the process that tells', async () => {
    const { clock, coordinate, scraper } = fresh()
    await (await coordinate.namespace('a')).setWorkSpec({ name: 'b' })
    let asked = 0
    const openUnits = coordinate.openUnits.bind(coordinate)
    coordinate.openUnits = () => {
      asked++
      return openUnits()
    }
    const leases = new MemoryLeaseStore({ clock })
    const [first, second] = [1, 2].map(() => scraper({ coordinate, leases })) as [
      ReturnType<typeof scraper>,
      ReturnType<typeof scraper>,
    ]
    const have = async (): Promise<boolean[]> =>
      (await Promise.all([first(), second()])).map((metrics) => metrics.has('runutil_units'))
    expect(await have()).toEqual([true, false])
    await clock.advance(1_999)
    expect(await have()).toEqual([true, false])
    expect(asked).toBe(1)
    await clock.advance(1)
    await have()
    expect(asked).toBe(2)
  })
})

describe('the exposition of actions', () => {
  it('has those that live workers of the process perform and that wait for them, without their targets', async () => {
    const { clock, scraper } = fresh()
    const manager = new Manager({ operation: 'update', ledger: new MemoryActionLedger() })
    const idle = new Manager({ operation: 'reset', ledger: new MemoryActionLedger() })
    let finish = (): void => {}
    manager.workers.register(
      'host',
      'secret-target',
      () => new Promise<void>((resolve) => (finish = resolve)),
    )
    const stop = new AbortController()
    const run = manager.run(stop.signal)
    const done = ['1', '2', '3'].map((input) => manager.do('secret-target', { input }))
    await done[0]
    const scrape = scraper({ dispatch: [manager, idle] })
    const counted = async (): Promise<unknown> => seriesOf(await scrape(), 'runutil_actions')
    const none = { 'reset running': 0, 'reset queued': 0 }
    await expect.poll(counted).toEqual({ ...none, 'update running': 1, 'update queued': 2 })
    finish()
    await done[1]
    expect(await counted()).toEqual({ ...none, 'update running': 1, 'update queued': 1 })
    finish()
    await done[2]
    finish()
    await Promise.all(done.map(({ completed }) => completed))
    expect(await counted()).toEqual({ ...none, 'update running': 0, 'update queued': 0 })
    expect(JSON.stringify([...(await scrape())])).not.toContain('secret')
    stop.abort()
    await run
    expect(clock.pending).toBe(0)
  })

  it('adds up managers of one operation, and leaves out what only a database knows', () => {
    const manager = (operation: string, running: number, queued?: number) => ({
      operation,
      workers: { load: { running, queued } },
    })
    const managers = [
      manager('update', 1, 2),
      manager('reset', 1),
      manager('update', 3, 4),
      manager('reset', 1, 1),
    ]
    expect(actionCounts(managers)).toEqual([
      { operation: 'update', state: 'running', count: 4 },
      { operation: 'update', state: 'queued', count: 6 },
      { operation: 'reset', state: 'running', count: 2 },
    ])
  })
})

it('says what is wrong with its options', () => {
  expect(() => exposition({ coordinate: {} as never })).toThrow(
    'exposition: coordinate: expected what createCoordinate() returns; got',
  )
  expect(() => exposition({ dispatch: [{}] as never })).toThrow(
    'exposition: dispatch: expected a Manager, or a list of them; got',
  )
})
