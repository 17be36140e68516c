import { Runtime, reportProgress, runAllWorkers, wait } from 'runutil'
import { MemoryCoordinateStore, createCoordinate } from 'runutil/coordinate'
import { Manager, MemoryActionLedger } from 'runutil/dispatch'
import { MemoryLeaseStore, singleton } from 'runutil/leases'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import type { ReadModel } from '../../packages/runutil/src/ops/views/read-model.ts'
import type { OpsOptions } from '../../packages/runutil/src/ops/ops-options.ts'
import type { Replica, ReplicaStore } from '../../packages/runutil/src/ops/replicas/replica-store.ts'
import { capturedLogger } from '../support/logs.ts'
import { readModel, self } from '../support/ops/read-models.ts'
import { untilAbort } from '../support/outcome.ts'

const LISTS = ['kinds', 'jobs', 'specs', 'units', 'actions', 'leases'] as const

test('a list of what was not given is a 404 that names the option', async () => {
  const model = readModel({})
  const options = { kinds: 'queue', jobs: 'queue', specs: 'coordinate', units: 'coordinate' }
  const named = { ...options, actions: 'dispatch', leases: 'leases' }
  for (const list of LISTS) {
    const message = expect.stringContaining(`option '${named[list]}'`) as string
    await expect(model[list]({})).rejects.toMatchObject({ status: 404, message })
  }
  await expect(model.job('1')).rejects.toMatchObject({ status: 404 })
})

describe('jobs:', () => {
  interface Jobs {
    readonly clock: VirtualClock
    readonly queue: JobQueue
    readonly model: ReadModel
  }

  function jobs(redact?: OpsOptions['redact']): Jobs {
    const clock = new VirtualClock()
    const queue = new JobQueue(new MemoryJobStore({ clock }))
    return { clock, queue, model: readModel({ queue, clock, redact }) }
  }

  /** Runs what waits, by a handler that returns, or throws an error with a stack. */
  async function work({ clock, queue }: Jobs, handler: () => unknown): Promise<void> {
    const stop = new AbortController()
    const worker = new QueueWorker(queue).register('mail', async () => handler())
    const { logger } = capturedLogger()
    const run = runAllWorkers([{ name: 'Q', worker }], stop.signal, { clock, logger })
    await clock.advance('1s')
    stop.abort()
    await clock.advance('1s')
    await run
  }

  test('kinds are those of stats()', async () => {
    const { queue, model } = jobs()
    await queue.enqueue([{ kind: 'mail' }, { kind: 'report' }])
    const { kinds, ageMs } = await model.kinds()
    expect(kinds).toEqual(await queue.stats())
    expect(ageMs).toBe(0)
  })

  test.each([
    ['that is done has no progress, since the last that is stored is older', 'done', undefined],
    ['that has failed has how far it had come', 'failed', { done: 1, total: 4 }],
  ])('one %s', async (_, end, progress) => {
    const all = jobs()
    const { clock, queue, model } = all
    await queue.enqueue({ id: 'a', kind: 'mail' })
    const handled = work(all, async () => {
      reportProgress(1, 4)
      await wait('20s')
      if (end === 'failed') throw new Error('bad address')
    })
    await clock.advance('30s')
    await handled
    const { jobs: listed } = await model.jobs({})
    for (const job of [listed[0], await model.job('a')] as { progress?: object }[]) {
      if (progress === undefined) expect(job).not.toHaveProperty('progress')
      else expect(job.progress).toMatchObject(progress)
    }
  })

  test('a list has no payload, result or stack, and pages by next', async () => {
    const all = jobs()
    const { queue, model } = all
    await queue.enqueue({ id: 'a', kind: 'mail', payload: { secret: 1 } })
    await work(all, () => {
      throw new Error('bad address\nand more')
    })
    await queue.enqueue([1, 2, 3].map((at) => ({ id: `b${at}`, kind: 'mail', payload: at })))
    const first = await model.jobs({ limit: '2' })
    const rest = await model.jobs({ limit: '2', after: first.next! })
    const listed = [...first.jobs, ...rest.jobs] as { id: string; lastError?: string }[]
    expect(listed.map(({ id }) => id)).toEqual(['b3', 'b2', 'b1', 'a'])
    expect(rest.next).toBeUndefined()
    expect(listed[3]!.lastError).toBe('bad address')
    for (const job of listed)
      for (const field of ['payload', 'result', 'errors']) expect(job).not.toHaveProperty(field)
  })

  test.each([
    [{ kind: 'mail' }, ['m2', 'm1']],
    [{ kind: 'mail', idPrefix: 'm2' }, ['m2']],
    [{ status: 'waiting' }, ['r1', 'm2', 'm1']],
    [{ 'createdAt.gte': '2000-01-01T00:01:00Z' }, ['r1']],
    [{ 'createdAt.lt': '2000-01-01T00:01:00Z', kind: '' }, ['m2', 'm1']],
    [{ key: 'k' }, ['m2']],
  ])('the fields %j find %j', async (fields, ids) => {
    const { clock, queue, model } = jobs()
    await queue.enqueue([
      { id: 'm1', kind: 'mail' },
      { id: 'm2', kind: 'mail', key: 'k' },
    ])
    await clock.advance('1m')
    await queue.enqueue({ id: 'r1', kind: 'report' })
    const found = (await model.jobs(fields)).jobs as { id: string }[]
    expect(found.map(({ id }) => id)).toEqual(ids)
  })

  test.each([
    [{ kinds: 'mail' }, "jobs: unknown field 'kinds'; did you mean 'kind'?"],
    [{ createdAt: '2000' }, /unknown field 'createdAt'/],
    [{ 'createdAt.gt': 'soon' }, /createdAt.gt: expected a time/],
    [{ status: 'faild' }, /did you mean 'FAILED'/],
    [{ limit: '0' }, /limit: expected a whole number from 1 to 1000/],
    [{ limit: 'many' }, /limit: expected a whole number/],
    [{ after: 'x' }, /after: expected the 'next'/],
  ])('the fields %j are refused', async (fields, message) => {
    const { model } = jobs()
    await expect(model.jobs(fields as never)).rejects.toThrow(message)
  })

  test('one job has its payload, its result and the texts of its errors', async () => {
    const all = jobs()
    const { queue, model } = all
    await queue.enqueue([
      { id: 'a', kind: 'mail', payload: { to: 'ada', none: null } },
      { id: 'b', kind: 'mail' },
    ])
    let runs = 0
    await work(all, () => {
      if (++runs === 1) return { sent: true }
      throw new Error('bad\nstack')
    })
    const done = await model.job('a')
    const failed = await model.job('b')
    expect(done).toMatchObject({
      id: 'a',
      status: 'DONE',
      payload: { to: 'ada', none: null },
      result: { sent: true },
    })
    expect(failed).toMatchObject({ id: 'b', lastError: expect.stringContaining('bad\nstack') as string })
    expect((failed as never as { errors: object[] }).errors).toMatchObject([{ attempt: 1 }])
    expect(JSON.parse(JSON.stringify(done))).toEqual(done)
    await expect(model.job('c')).rejects.toMatchObject({ status: 404, message: "there is no job 'c'" })
  })

  test('a payload of up to 64 KiB of JSON is shown as it is, a longer one as a string of its beginning', async () => {
    const { queue, model } = jobs()
    // With its quotes 64 KiB, and a byte more; 'ü' is two bytes.
    const fits = 'ü'.repeat(32_767)
    const long = `${fits}x`
    await queue.enqueue([
      { id: 'fits', kind: 'mail', payload: fits },
      { id: 'long', kind: 'mail', payload: long },
      { id: 'huge', kind: 'mail', payload: { text: 'ü'.repeat(2 ** 20) } },
    ])
    const shown = await model.job('fits')
    expect(shown).toMatchObject({ payload: fits })
    expect(shown).not.toHaveProperty('payloadTruncated')
    expect(await model.job('long')).toMatchObject({ payloadTruncated: true, payloadBytes: 65_537 })
    const huge = (await model.job('huge')) as never as { payload: string; payloadBytes: number }
    expect(huge.payloadBytes).toBe(2 ** 21 + 11)
    expect(Buffer.byteLength(huge.payload)).toBeLessThanOrEqual(65_536)
    expect(huge.payload).toMatch(/^\{"text":"ü+$/)
  })

  test('the text of a long error is shown as its beginning, as text', async () => {
    const all = jobs()
    await all.queue.enqueue({ id: 'a', kind: 'mail' })
    await work(all, () => {
      throw new Error(`first "line"\n${'ü'.repeat(100_000)}`)
    })
    const { lastError } = (await all.model.job('a')) as never as { lastError: string }
    expect(lastError).toMatch(/^first "line"\nü+$/)
    expect(Buffer.byteLength(lastError)).toBeLessThanOrEqual(65_536)
    expect(Buffer.byteLength(lastError)).toBeGreaterThan(65_000)
  })

  test('redact decides what is seen of payload, result and errors, and one that fails shows nothing', async () => {
    const all = jobs((value, job, what) => `${job.id} ${job.kind} ${what} ${typeof value}`)
    await all.queue.enqueue({ id: 'a', kind: 'mail', payload: { secret: 1 } })
    await work(all, () => {
      throw new Error('secret')
    })
    const texts = { payload: 'a mail payload object', lastError: 'a mail error string' }
    expect(await all.model.job('a')).toMatchObject({ ...texts, errors: [{ message: texts.lastError }] })
    expect((await all.model.jobs({})).jobs).toMatchObject([{ lastError: texts.lastError }])
    const failing: OpsOptions['redact'][] = [
      () => {
        throw new Error('no')
      },
      () => 1n,
      () => Promise.reject(new Error('no')),
    ]
    for (const redact of failing) {
      const model = readModel({ queue: all.queue, redact })
      const shown = JSON.stringify(await model.job('a'))
      expect(shown).toContain('[redact failed]')
      expect(shown).not.toContain('secret')
    }
  })
})

describe('work:', () => {
  async function work(): Promise<{ clock: VirtualClock; model: ReadModel }> {
    const clock = new VirtualClock()
    const store = new MemoryCoordinateStore()
    const coordinate = createCoordinate(store, { clock })
    const one = await coordinate.namespace('one')
    const spec = await one.setWorkSpec({ name: 'crawl', priority: 3, weight: 7, max_retries: 5 })
    await spec.addWorkUnits(['a', 'b', 'c'].map((name) => ({ name, data: {} })))
    await one.setWorkSpec({ name: 'idle', disabled: true })
    await (await coordinate.namespace('two')).setWorkSpec({ name: 'crawl' })
    const worker = await one.worker('w')
    const [attempt] = await worker.requestAttempts({ workSpecs: ['crawl'] })
    await attempt!.fail({})
    return { clock, model: readModel({ coordinate, clock }) }
  }

  test('specs are shown by namespace and name, with what waits and has ended', async () => {
    const { model } = await work()
    const { specs } = await model.specs({})
    expect(specs.map((spec) => Object.values(spec).slice(0, 2).join('/'))).toEqual([
      'one/crawl',
      'one/idle',
      'two/crawl',
    ])
    const none = { available: 0, pending: 0, finished: 0, failed: 0, delayed: 0 }
    expect(specs[0]).toMatchObject({ priority: 3, weight: 7, paused: false, maxRetries: 5 })
    expect(specs[0]).toHaveProperty('counts', { ...none, available: 2, failed: 1 })
    expect(specs[1]).toMatchObject({ paused: true, counts: none })
  })

  test('specs page by next, and those of one namespace can be asked for', async () => {
    const { model } = await work()
    const first = await model.specs({ limit: '2' })
    expect(first.next).toBe('one/idle')
    expect((await model.specs({ limit: '2', after: first.next! })).specs).toMatchObject([
      { namespace: 'two' },
    ])
    expect((await model.specs({ namespace: 'two' })).specs).toHaveLength(1)
    expect((await model.specs({ namespace: 'one', name: 'idle' })).specs).toMatchObject([{ name: 'idle' }])
    expect((await model.specs({ name: 'crawl' })).specs).toHaveLength(2)
    // Asking doesn't create one.
    expect((await model.specs({ namespace: 'three' })).specs).toEqual([])
    expect((await model.specs({})).specs).toHaveLength(3)
  })

  test('units of a spec page by name, and one has its attempts', async () => {
    const { model } = await work()
    const of = { namespace: 'one', spec: 'crawl' }
    const first = await model.units({ ...of, limit: '2' })
    expect(first).toMatchObject({ next: 'b', units: [{ name: 'a', status: 'failed' }, { name: 'b' }] })
    expect(await model.units({ ...of, limit: '2', after: 'b' })).toMatchObject({ units: [{ name: 'c' }] })
    expect((await model.units({ ...of, status: 'available' })).units).toHaveLength(2)
    const { units } = await model.units({ ...of, name: 'a' })
    expect(units).toMatchObject([{ numAttempts: 1, attempts: [{ worker: 'w', status: 'failed' }] }])
  })

  test('what does not exist is a 404, what cannot be is an error that helps', async () => {
    const { model } = await work()
    await expect(model.units({ namespace: 'one', spec: 'none' })).rejects.toMatchObject({ status: 404 })
    await expect(model.units({ namespace: 'none', spec: 'crawl' })).rejects.toMatchObject({ status: 404 })
    await expect(model.units({})).rejects.toThrow(/units: spec: expected the name of a spec/)
    const asked = model.units({ namespace: 'one', spec: 'crawl', status: 'fail' })
    await expect(asked).rejects.toThrow(/one of available/)
  })
})

describe('actions:', () => {
  async function actions(redact?: OpsOptions['redact']): Promise<ReadModel> {
    const clock = new VirtualClock()
    const ledger = new MemoryActionLedger()
    const managers = ['shot', 'tap'].map((operation) => new Manager({ operation, ledger, clock }))
    const record = { host: 'host', updatedAt: 0 }
    for (let at = 0; at < 6; at++) {
      const operation = at < 4 ? 'shot' : 'tap'
      const status = at % 2 === 0 ? 'failed' : 'succeeded'
      const input = { url: `https://example.org/${at}`, size: at }
      const error = status === 'failed' ? { error: `timeout ${at}` } : {}
      const its = { id: `${at}`, operation, target: `t${at}`, createdAt: at }
      await ledger.create({ ...record, ...its, input, status, ...error })
    }
    return readModel({ dispatch: managers, clock, redact })
  }

  const idsOf = ({ actions }: { actions: readonly object[] }): string[] =>
    actions.map((action) => (action as { id: string }).id)

  test.each([
    [{}, ['5', '4', '3', '2', '1', '0']],
    [{ operation: 'tap' }, ['5', '4']],
    [{ status: 'failed' }, ['4', '2', '0']],
    [{ target: 't3', host: 'host' }, ['3']],
    [{ 'error.contains': 'out 4' }, ['4']],
    [{ 'input.url': 'https://example.org/2' }, ['2']],
    [{ 'input.size': '5' }, ['5']],
    [{ 'input.size.gte': '3', 'input.size.lt': '5' }, ['4', '3']],
    [{ 'input.url.endsWith': '/1' }, ['1']],
    [{ 'createdAt.gt': '1970-01-01T00:00:00.005Z' }, []],
    [{ id: '3' }, ['3']],
  ])('the fields %j find %j', async (fields, ids) => {
    expect(idsOf(await (await actions()).actions(fields as never))).toEqual(ids)
  })

  test.each([1, 2, 4, 6])(
    'pages of %i follow each other through all managers, the newest first',
    async (limit) => {
      const model = await actions()
      const found: string[] = []
      for (let after: string | undefined = ''; after !== undefined;) {
        const page: Awaited<ReturnType<ReadModel['actions']>> = await model.actions({
          limit: `${limit}`,
          after,
        })
        expect(page.actions.length).toBeLessThanOrEqual(limit)
        found.push(...idsOf(page))
        after = page.next
      }
      expect(found).toEqual(['5', '4', '3', '2', '1', '0'])
    },
  )

  test.each([
    ['gone', 'actions: after: expected the \'next\' of another page; got "gone"; start again without after'],
    [JSON.stringify([null]), /start again without after/],
    [JSON.stringify([1, null]), /start again without after/],
    [JSON.stringify(['gone', null]), "got 'gone', which isn't there any more; start again without after"],
  ])('a page after %j is refused', async (after, message) => {
    const cursor = after === 'gone' ? after : Buffer.from(after).toString('base64url')
    await expect((await actions()).actions({ after: cursor })).rejects.toThrow(message)
  })

  test.each([
    [{ statuss: 'failed' }, "actions: unknown field 'statuss'; did you mean 'status'?"],
    [{ status: 'fail' }, /one of running/],
    [{ 'input..x': '1' }, /unknown field/],
    [{ error: 'x', 'error.contains': 'y' }, /got both/],
    [{ 'createdAt.lt': 'x' }, /expected a time/],
  ])('the fields %j are refused', async (fields, message) => {
    await expect((await actions()).actions(fields as never)).rejects.toThrow(message)
  })

  test('redact decides what is seen of them, too', async () => {
    const model = await actions((_, { id, kind }, what) => `${id} ${kind} ${what}`)
    expect((await model.actions({ status: 'failed', limit: '1' })).actions).toMatchObject([
      { input: '4 tap payload', error: '4 tap error' },
    ])
  })
})

/** A store of replicas that a test fills. */
function replicaStore(replicas: readonly Replica[], states: ReadonlyMap<string, unknown>): ReplicaStore {
  const store: Partial<ReplicaStore> = {
    list: async () => [...replicas],
    state: async (id) => (states.has(id) ? { state: states.get(id), ageMs: 40 } : undefined),
  }
  return store as ReplicaStore
}

describe('leases and replicas:', () => {
  test('a lease has its fence, until when it is held, and who holds it, here or elsewhere', async () => {
    const clock = new VirtualClock()
    const leases = new MemoryLeaseStore({ clock })
    const runtime = new Runtime()
    const stop = new AbortController()
    const { logger } = capturedLogger()
    const entries = [{ name: 'One', worker: singleton(leases, 'mine', untilAbort) }]
    const run = runAllWorkers(entries, stop.signal, { clock, runtime, logger })
    await clock.advance(0)
    const terms = { leaseMs: 30_000, everyMs: undefined }
    for (const name of ['theirs', 'unknown', 'free']) await leases.acquire(name, terms)
    await leases.release('free', 1, 'done')
    const detail = { lease: 'theirs', held: true, fence: 1 }
    const states = new Map([['there', { replica: 'there', workers: { '/It': { detail } } }]])
    const there = { ...self, id: 'there', ageMs: 3, lost: false }
    const replicas = replicaStore([there, { ...there, id: 'dead', lost: true }], states)
    const model = readModel({ runtime, clock, leases, replicas })
    const until = new Date(clock.now() + 30_000).toISOString()
    expect((await model.leases()).leases).toMatchObject([
      { name: 'mine', fence: 1, held: true, until, holder: { replica: 'here', worker: '/One' } },
      { name: 'theirs', fence: 1, held: true, until, holder: { replica: 'there', worker: '/It' } },
      { name: 'unknown', fence: 1, held: true, until },
      { name: 'free', fence: 1, held: false },
    ])
    expect((await model.leases()).leases[2]).not.toHaveProperty('holder')
    stop.abort()
    await clock.advance('1m')
    await run
  })

  test('a store that cannot list its leases is a 404 that says so', async () => {
    const leases = Object.assign(new MemoryLeaseStore(), { list: undefined })
    const model = readModel({ leases: leases })
    await expect(model.leases()).rejects.toMatchObject({ status: 404, code: 'not-available' })
  })

  test('without a store of replicas there is one, this process', async () => {
    const model = readModel({})
    expect((await model.replicas()).replicas).toEqual([{ ...self, ageMs: 0, lost: false }])
    expect((await model.stateOf('here')).replica).toBe('here')
    await expect(model.stateOf('there')).rejects.toMatchObject({ status: 404 })
  })

  test('the state of another is what it last told, with the age of that', async () => {
    const clock = new VirtualClock()
    const states = new Map([['there', { replica: 'there', workers: {} }]])
    const model = readModel({ clock, replicas: replicaStore([], states) })
    expect(await model.stateOf('there')).toEqual({ replica: 'there', workers: {}, ageMs: 40 })
    await clock.advance(1_000)
    expect((await model.stateOf('there')).ageMs).toBe(1_040)
    await expect(model.stateOf('nowhere')).rejects.toMatchObject({ status: 404 })
  })
})

test('a store that does not answer is a 503 for a list that was never known', async () => {
  const queue = new JobQueue(new MemoryJobStore())
  queue.stats = () => Promise.reject(new Error('connection refused'))
  await expect(readModel({ queue }).kinds()).rejects.toMatchObject({ status: 503 })
})
