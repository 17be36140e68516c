import assert from 'node:assert/strict'
import {
  type CoordinateCases,
  LIFETIME_MS,
  placeOf,
  rejectsWith,
  statusesOf,
  take,
} from './coordinate-case.ts'

/** Attempts, from their lease to their end. */
export const attemptCases: CoordinateCases = {
  'attempt: begins with the data of its unit, and is the active attempt of the unit': async (context) => {
    const { spec, worker } = await placeOf(context, ['1'])
    const attempt = await take(worker, '1')
    const unit = await spec.workUnit('1')
    const now = context.clock.now()
    assert.deepEqual(await attempt.data(), { name: '1' })
    assert.deepEqual([await attempt.status(), await attempt.endTime()], ['pending', undefined])
    assert.equal((await attempt.startTime()).getTime(), now)
    assert.equal((await attempt.expirationTime()).getTime(), now + LIFETIME_MS)
    assert.deepEqual([attempt.worker.name, attempt.workUnit.workSpec.name], ['worker', 'spec'])
    assert.deepEqual([await unit.status(), await unit.numAttempts()], ['pending', 1])
    assert.equal((await unit.activeAttempt())!.worker.name, 'worker')
  },

  ...ends('finish', 'finished', 'finished'),
  ...ends('fail', 'failed', 'failed'),
  ...ends('retry', 'retryable', 'available'),

  'attempt: after a retry with a delay, its unit is delayed for that time': async (context) => {
    const { spec, worker } = await placeOf(context, ['1'])
    await (await take(worker, '1')).retry({ tries: 1 }, '5s')
    assert.deepEqual(await statusesOf(spec), { '1': 'delayed' })
    await context.clock.advance('5s')
    assert.deepEqual(await (await take(worker, '1')).data(), { name: '1' })
  },

  'attempt: expires at the end of its lifetime, and its unit is available again': async (context) => {
    const { spec, worker } = await placeOf(context, ['1'])
    const attempt = await take(worker, '1', { lifetime: '10s' })
    await context.clock.advance(9_999)
    assert.equal(await attempt.status(), 'pending')
    await context.clock.advance(1)
    assert.deepEqual(
      [await attempt.status(), await (await spec.workUnit('1')).status()],
      ['expired', 'available'],
    )
    assert.equal((await attempt.endTime())!.getTime(), context.clock.now())
    assert.deepEqual(await worker.activeAttempts(), [])
    assert.equal((await worker.allAttempts()).length, 1)
  },

  'attempt: an expired attempt may still end while no other has taken its unit': async (context) => {
    const { spec, worker } = await placeOf(context, ['1', '2', '3'])
    const attempts = await worker.requestAttempts({ numberOfWorkUnits: 3, lifetime: '10s' })
    await context.clock.advance('11s')
    await attempts[0]!.finish()
    await attempts[1]!.fail()
    await attempts[2]!.renew('10s', { renewed: true })
    assert.deepEqual(await statusesOf(spec), { '1': 'finished', '2': 'failed', '3': 'pending' })
    assert.deepEqual(await attempts[2]!.data(), { renewed: true })
    assert.equal(await attempts[2]!.endTime(), undefined)
  },

  'attempt: an attempt whose unit was taken over changes nothing': async (context) => {
    const { spec, worker, namespace } = await placeOf(context, ['1'])
    const late = await take(worker, '1', { lifetime: '10s' })
    await context.clock.advance('11s')
    const current = await take(await namespace.worker('other'), '1')
    for (const end of [late.finish({ late: 1 }), late.fail({ late: 1 }), late.retry({ late: 1 })]) {
      await rejectsWith('ErrLostLease', end)
    }
    assert.deepEqual([await late.status(), await late.data()], ['expired', { name: '1' }])
    await rejectsWith('ErrLostLease', late.renew('10s', { kept: 1 }))
    assert.deepEqual([await late.status(), await late.data()], ['expired', { kept: 1 }])
    await current.finish({ by: 'other' })
    const unit = await spec.workUnit('1')
    assert.deepEqual(
      [await unit.status(), await unit.data(), await unit.numAttempts()],
      ['finished', { by: 'other' }, 2],
    )
  },

  'attempt: a renewal extends it from then on': async (context) => {
    const { worker } = await placeOf(context, ['1'])
    const attempt = await take(worker, '1', { lifetime: '10s' })
    await context.clock.advance('9s')
    await attempt.renew('30s')
    assert.equal((await attempt.expirationTime()).getTime(), context.clock.now() + 30_000)
    assert.deepEqual(await attempt.data(), { name: '1' })
    await context.clock.advance('29s')
    assert.equal(await attempt.status(), 'pending')
  },

  'attempt: if its worker expires it, its unit is available at once': async (context) => {
    const { spec, worker } = await placeOf(context, ['1'])
    const attempt = await take(worker, '1')
    await attempt.expire({ half: true })
    assert.deepEqual([await attempt.status(), await attempt.data()], ['expired', { half: true }])
    assert.equal((await attempt.endTime())!.getTime(), context.clock.now())
    await attempt.expire({ again: true })
    assert.deepEqual(await attempt.data(), { half: true })
    assert.deepEqual(await statusesOf(spec), { '1': 'available' })
    await attempt.finish()
    await rejectsWith('ErrNotPending', attempt.expire())
  },

  "unit: shows its active attempt's data, and cleared, its own": async (context) => {
    const { spec, worker } = await placeOf(context, ['1'])
    const attempt = await take(worker, '1')
    const unit = await spec.workUnit('1')
    await attempt.renew('1m', { step: 2 })
    assert.deepEqual(await unit.data(), { step: 2 })
    await unit.clearActiveAttempt()
    assert.deepEqual([await unit.status(), await unit.data()], ['available', { name: '1' }])
    assert.deepEqual([await unit.activeAttempt(), (await unit.attempts()).length], [undefined, 1])
    await rejectsWith('ErrLostLease', attempt.finish())
    assert.deepEqual(await worker.activeAttempts(), [])
  },

  'makeAttempt: leases a unit, even if another worker holds it': async (context) => {
    const { namespace, spec, worker } = await placeOf(context, ['1'])
    const first = await take(worker, '1')
    const unit = await spec.workUnit('1')
    const second = await (await namespace.worker('other')).makeAttempt(unit, '1m')
    assert.equal((await second.expirationTime()).getTime(), context.clock.now() + 60_000)
    await rejectsWith('ErrLostLease', first.finish())
    await second.finish()
    assert.deepEqual(
      (await unit.attempts()).map(({ worker: { name } }) => name),
      ['worker', 'other'],
    )
  },

  'attempt: units of its output that no store can hold are ignored, and it ends': async (context) => {
    const { namespace, worker } = await placeOf(context, ['1'])
    await namespace.setWorkSpec({ name: 'spec', then: 'next' })
    const next = await namespace.setWorkSpec({ name: 'next' })
    const attempt = await take(worker, '1')
    const text = 'no NUL: \\u0000'
    await attempt.finish({ text, output: ['n'.repeat(2_001), 'ok', ['late', { text }, { delay: 1e300 }]] })
    assert.equal((await attempt.data())['text'], text)
    assert.deepEqual(await statusesOf(next), { late: 'delayed', ok: 'available' })
    assert.deepEqual(await (await next.workUnit('late')).data(), { text })
  },
}

function ends(call: 'finish' | 'fail' | 'retry', status: string, unitStatus: string): CoordinateCases {
  return {
    [`attempt: ${call} ends it, with its data or new data`]: async (context) => {
      const { spec, worker } = await placeOf(context, ['1', '2'])
      const attempts = await worker.requestAttempts({ numberOfWorkUnits: 2 })
      await context.clock.advance(5)
      await attempts[0]![call]()
      await attempts[1]![call]({ result: 2 })
      assert.deepEqual(await Promise.all(attempts.map((attempt) => attempt.status())), [status, status])
      assert.deepEqual(await Promise.all(attempts.map((attempt) => attempt.data())), [
        { name: '1' },
        { result: 2 },
      ])
      assert.equal((await attempts[0]!.endTime())!.getTime(), context.clock.now())
      assert.deepEqual(await statusesOf(spec), { '1': unitStatus, '2': unitStatus })
      assert.deepEqual(await (await spec.workUnit('2')).data(), { result: 2 })
    },

    [`attempt: after ${call}, nothing else changes it`]: async (context) => {
      const { worker } = await placeOf(context, ['1'])
      const attempt = await take(worker, '1')
      await attempt[call]({ first: true })
      for (const again of [
        () => attempt.finish({ second: true }),
        () => attempt.fail({ second: true }),
        () => attempt.retry({ second: true }),
        () => attempt.renew('1m', { second: true }),
        () => attempt.expire({ second: true }),
      ]) {
        await rejectsWith('ErrNotPending', again())
      }
      assert.deepEqual([await attempt.status(), await attempt.data()], [status, { first: true }])
    },
  }
}
