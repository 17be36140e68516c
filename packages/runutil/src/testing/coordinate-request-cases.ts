import assert from 'node:assert/strict'
import {
  type CoordinateCases,
  add,
  namesOf,
  placeOf,
  rejectsWith,
  statusesOf,
  take,
} from './coordinate-case.ts'

/** Which units a request gives, and which units a finished attempt creates. */
export const requestCases: CoordinateCases = {
  'request: units with the highest priority first, then by name': async (context) => {
    const { spec, worker } = await placeOf(context, ['c', 'b', 'a'])
    await spec.addWorkUnit('z', {}, { priority: 1 })
    assert.deepEqual(await namesOf(worker.requestAttempts({ numberOfWorkUnits: 3 })), ['z', 'a', 'b'])
    assert.deepEqual(await namesOf(worker.requestAttempts({ numberOfWorkUnits: 3 })), ['c'])
    assert.deepEqual(await worker.requestAttempts(), [])
  },

  'request: only units of the specs with the highest priority': async (context) => {
    const { namespace, spec, worker } = await placeOf(context, ['1'])
    const urgent = await namespace.setWorkSpec({ name: 'urgent', priority: 1, weight: 1 })
    await add(urgent, 'u1', 'u2')
    assert.deepEqual(await namesOf(worker.requestAttempts({ numberOfWorkUnits: 9 })), ['u1', 'u2'])
    assert.deepEqual(await namesOf(worker.requestAttempts({ numberOfWorkUnits: 9 })), ['1'])
    assert.deepEqual(await statusesOf(spec), { '1': 'pending' })
  },

  'request: all units of one answer belong to one spec': async (context) => {
    const { namespace, worker } = await placeOf(context, ['1', '2'])
    await add(await namespace.setWorkSpec({ name: 'other' }), '1', '2')
    const attempts = await worker.requestAttempts({ numberOfWorkUnits: 4 })
    assert.equal(new Set(attempts.map(({ workUnit }) => workUnit.workSpec.name)).size, 1)
    assert.equal(attempts.length, 2)
  },

  'request: leaves out units that do not match the request': async (context) => {
    const { namespace, worker } = await placeOf(context, ['1'], { runtime: 'node', min_gb: 2 })
    await add(await namespace.setWorkSpec({ name: 'paused', disabled: true }), 'p')
    assert.deepEqual(await worker.requestAttempts({ runtimes: ['go'] }), [])
    assert.deepEqual(await worker.requestAttempts({ workSpecs: ['other', 'paused'] }), [])
    assert.deepEqual(await worker.requestAttempts({ availableGb: 1 }), [])
    await take(worker, '1', { runtimes: ['go', 'node'], workSpecs: ['spec'], availableGb: 2 })
  },

  'request: no more than max_running are pending, and no more than max_getwork in one answer': async (
    context,
  ) => {
    const { worker } = await placeOf(context, ['1', '2', '3', '4', '5'], { max_running: 3, max_getwork: 2 })
    const first = await worker.requestAttempts({ numberOfWorkUnits: 9 })
    assert.equal(first.length, 2)
    assert.equal((await worker.requestAttempts({ numberOfWorkUnits: 9 })).length, 1)
    assert.deepEqual(await worker.requestAttempts(), [])
    await first[0]!.finish()
    assert.equal((await worker.requestAttempts({ numberOfWorkUnits: 9 })).length, 1)
    await context.clock.advance('15m')
    assert.equal((await worker.requestAttempts({ numberOfWorkUnits: 9 })).length, 2)
  },

  'request: concurrent requests exceed no limit, and lease no unit twice': async (context) => {
    const names = Array.from({ length: 30 }, (_, at) => `${at}`)
    const { namespace } = await placeOf(context, names, { max_running: 20 })
    const workers = await Promise.all(names.map((name) => namespace.worker(name)))
    const answers = await Promise.all(
      workers.map((worker) => worker.requestAttempts({ numberOfWorkUnits: 3 })),
    )
    const got = answers.flat().map(({ workUnit }) => workUnit.name)
    assert.equal(got.length, 20)
    assert.equal(new Set(got).size, 20)
  },

  'request: a unit that was tried max_retries times fails instead, and no other replaces it': async (
    context,
  ) => {
    const { spec, worker } = await placeOf(context, ['1', '2', '3'], { max_retries: 2 })
    for (let count = 0; count < 2; count++) {
      const attempts = await worker.requestAttempts({ numberOfWorkUnits: 2 })
      for (const attempt of attempts) await attempt.retry()
    }
    assert.deepEqual(await namesOf(worker.requestAttempts({ numberOfWorkUnits: 3 })), ['3'])
    assert.deepEqual(await statusesOf(spec), { '1': 'failed', '2': 'failed', '3': 'pending' })
  },

  'request: if all chosen units fail, others are chosen': async (context) => {
    const { namespace, spec, worker } = await placeOf(context, ['1'], { max_retries: 1, priority: 1 })
    await add(await namespace.setWorkSpec({ name: 'other' }), 'o')
    await (await take(worker, '1')).expire()
    await take(worker, 'o')
    assert.deepEqual(await statusesOf(spec), { '1': 'failed' })
    assert.equal(await (await spec.workUnit('1')).numAttempts(), 2)
  },

  'continuous: a spec without units gets one, and the next after its interval': async (context) => {
    const { spec, worker } = await placeOf(context, [], { continuous: true, interval: 60 })
    const [attempt] = await worker.requestAttempts({ numberOfWorkUnits: 5 })
    assert.equal(attempt!.workUnit.name, `${Math.floor(context.clock.now() / 1_000)}`)
    assert.deepEqual(await attempt!.data(), {})
    assert.equal((await spec.meta()).nextContinuous!.getTime(), context.clock.now() + 60_000)
    assert.deepEqual(await worker.requestAttempts(), [])
    await attempt!.finish()
    assert.deepEqual(await worker.requestAttempts(), [])
    await context.clock.advance('1m')
    assert.equal((await worker.requestAttempts()).length, 1)
    await context.clock.advance('2m')
    assert.deepEqual(await worker.requestAttempts(), [])
  },

  'continuous: setMeta switches it off and on': async (context) => {
    const { spec, worker } = await placeOf(context, [], { continuous: true })
    await spec.setMeta({ continuous: false })
    assert.deepEqual(await worker.requestAttempts(), [])
    await spec.setMeta({ continuous: true })
    assert.equal((await worker.requestAttempts()).length, 1)
  },

  'then: the output of a finished attempt becomes units of the next spec': async (context) => {
    const { namespace, worker } = await placeOf(context, ['1'], { then: 'next' })
    const next = await namespace.setWorkSpec({ name: 'next' })
    const attempt = await take(worker, '1')
    const output = [['a', { x: 1 }, { priority: 2 }], 'b', ['c', {}, { delay: 5 }], 7]
    await attempt.finish({ output })
    assert.deepEqual(await statusesOf(next), { a: 'available', b: 'available', c: 'delayed' })
    const a = await next.workUnit('a')
    assert.deepEqual([await a.data(), await a.priority()], [{ x: 1 }, 2])
    await context.clock.advance('5s')
    assert.deepEqual(await statusesOf(next), { a: 'available', b: 'available', c: 'available' })
  },

  'then: existing units are overwritten and run again, unless they are pending': async (context) => {
    const { namespace, worker } = await placeOf(context, ['1'], { then: 'next', priority: -1 })
    const next = await namespace.setWorkSpec({ name: 'next' })
    await add(next, 'done', 'runs')
    await (await take(worker, 'done')).finish()
    await take(worker, 'runs')
    await (await take(worker, '1')).finish({ output: { done: { again: 1 }, runs: { again: 1 } } })
    assert.deepEqual(await statusesOf(next), { done: 'available', runs: 'pending' })
    assert.deepEqual(await (await next.workUnit('done')).data(), { again: 1 })
  },

  'then: a late finish, a failure and an unknown spec create no units': async (context) => {
    const { namespace, spec, worker } = await placeOf(context, ['1', '2'], { then: 'next' })
    const output = { made: {} }
    await (await take(worker, '1')).finish({ output })
    const next = await namespace.setWorkSpec({ name: 'next' })
    const late = await take(worker, '2', { lifetime: '1s' })
    await context.clock.advance('1s')
    const current = await take(worker, '2')
    await rejectsWith('ErrLostLease', late.finish({ output }))
    await current.fail({ output })
    assert.deepEqual(await statusesOf(next), {})
    assert.deepEqual(await statusesOf(spec), { '1': 'finished', '2': 'failed' })
  },

  'then: a spec may feed itself': async (context) => {
    const { spec, worker } = await placeOf(context, ['1'], { then: 'spec' })
    await (await take(worker, '1')).finish({ output: ['1', '2'] })
    assert.deepEqual(await statusesOf(spec), { '1': 'available', '2': 'available' })
  },
}
