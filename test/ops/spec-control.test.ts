import { MemoryCoordinateStore, createCoordinate } from 'runutil/coordinate'
import { VirtualClock } from 'runutil/testing'
import { expect, test } from 'vitest'
import { ada, controlledRun } from '../support/ops/controlled-run.ts'

async function specs() {
  const clock = new VirtualClock()
  const store = new MemoryCoordinateStore().withTime(() => clock.now())
  const coordinate = createCoordinate({ withTime: () => store }, { clock })
  const namespace = await coordinate.namespace('sites/eu')
  const spec = await namespace.setWorkSpec({ name: 'crawl/fast' })
  const worker = await namespace.worker('w')
  const run = await controlledRun([], { coordinate }, clock)
  const fail = async (...names: string[]): Promise<void> => {
    await spec.addWorkUnits(names.map((name) => ({ name, data: {} })))
    for (const name of names) await (await worker.makeAttempt(await spec.workUnit(name))).fail()
  }
  return { ...run, coordinate, spec, fail }
}

test('a spec is paused and resumed for all', async () => {
  const { call, spec, end } = await specs()
  for (const [verb, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    const answer = await call((control) => control.spec('sites/eu/crawl/fast', verb, undefined, ada))
    expect(answer).toEqual({ status: 200, body: { spec: 'sites/eu/crawl/fast', paused } })
    expect((await spec.meta()).paused).toBe(paused)
  }
  await end()
})

test.each(['plain', '/plain'])('a spec of the namespace without a name is named %s', async (path) => {
  const { call, coordinate, end } = await specs()
  const spec = await (await coordinate.namespace('')).setWorkSpec({ name: 'plain' })
  const answer = await call((control) => control.spec(path, 'pause', undefined, ada))
  expect(answer).toMatchObject({ status: 200 })
  expect((await spec.meta()).paused).toBe(true)
  await end()
})

test('a leading slash is the name of a spec, where one begins with it, and otherwise nothing', async () => {
  const { call, coordinate, spec, end } = await specs()
  const none = await coordinate.namespace('')
  const plain = await none.setWorkSpec({ name: 'plain' })
  const slashed = await none.setWorkSpec({ name: '/plain' })
  await call((control) => control.spec('/plain', 'pause', undefined, ada))
  await call((control) => control.spec('/sites/eu/crawl/fast', 'pause', undefined, ada))
  const paused = await Promise.all([plain, slashed, spec].map(async (one) => (await one.meta()).paused))
  expect(paused).toEqual([false, true, true])
  await end()
})

test('its failed units are retried: all, or some', async () => {
  const { call, spec, fail, end } = await specs()
  await fail('a', 'b', 'c')
  await spec.addWorkUnits([{ name: 'd', data: {} }])
  const retry = (asked: unknown): Promise<unknown> =>
    call((control) => control.spec('sites/eu/crawl/fast', 'retry', asked, ada))
  expect(await retry({ units: { names: ['a', 'd'] } })).toMatchObject({ status: 200, body: { retried: 1 } })
  expect(await spec.countWorkUnitStatus()).toMatchObject({ failed: 2, available: 2 })
  expect(await retry(undefined)).toMatchObject({ status: 200, body: { retried: 2 } })
  expect(await spec.countWorkUnitStatus()).toMatchObject({ failed: 0, available: 4 })
  await end()
})

test('a spec that is not there is a 404, and nothing is created by asking for it', async () => {
  const { call, coordinate, end } = await specs()
  for (const spec of ['sites/eu/crawl', 'sites/us/crawl', 'sites', 'other/x', ''])
    for (const verb of ['pause', 'resume', 'retry'] as const)
      expect(await call((control) => control.spec(spec, verb, {}, ada))).toMatchObject({ status: 404 })
  expect([...(await coordinate.namespaces()).keys()]).toEqual(['sites/eu'])
  await end()
})

test.each([
  { unit: {} },
  { units: { name: ['a'] } },
  { units: [] },
  { units: { limit: -1 } },
  { units: { names: 'a' } },
  'all',
])('a retry of %j is refused', async (asked) => {
  const { call, end } = await specs()
  const answer = await call((control) => control.spec('sites/eu/crawl/fast', 'retry', asked, ada))
  expect(answer).toMatchObject({ status: 400, code: 'bad-request' })
  await end()
})
