import assert from 'node:assert/strict'
import type { Attempt } from '../coordinate/model.ts'
import { type CoordinateCases, add, placeOf, rejectsWith, statusesOf, take } from './coordinate-case.ts'

/** How often a unit is tried, and how an operator retries it. */
export const retryCases: CoordinateCases = {
  'max_retries: attempts count since the unit was last added': async (context) => {
    const { spec, worker } = await placeOf(context, [], { max_retries: 2 })
    for (let day = 1; day <= 4; day++) {
      await spec.addWorkUnit('1', { day })
      if (day % 2 === 0) await (await take(worker, '1')).retry()
      await (await take(worker, '1')).finish({ day })
    }
    const attempts = await (await spec.workUnit('1')).attempts()
    assert.deepEqual(await statuses(attempts), [
      'finished',
      'retryable',
      'finished',
      'finished',
      'retryable',
      'finished',
    ])
  },

  'max_retries: attempts count since the unit was last finished': async (context) => {
    const { spec, worker } = await placeOf(context, ['1'], { max_retries: 2 })
    await (await take(worker, '1')).retry()
    await (await take(worker, '1')).finish()
    await (await worker.makeAttempt(await spec.workUnit('1'))).retry()
    await (await take(worker, '1')).retry()
    assert.deepEqual(await worker.requestAttempts(), [])
    assert.deepEqual(await statusesOf(spec), { '1': 'failed' })
  },

  'max_retries: attempts count since the unit was last cleared': async (context) => {
    const { spec, worker } = await placeOf(context, ['1'], { max_retries: 2 })
    await (await take(worker, '1')).retry()
    await (await take(worker, '1')).fail()
    await (await spec.workUnit('1')).clearActiveAttempt()
    await (await take(worker, '1')).retry()
    await (await take(worker, '1')).retry()
    assert.deepEqual(await worker.requestAttempts(), [])
  },

  'max_retries: a unit ends by an attempt of its own, which has the reason': async (context) => {
    const { namespace, spec, worker } = await placeOf(context, ['1'], { max_retries: 2 })
    await (await take(worker, '1')).retry({ half: 1 })
    const late = await take(worker, '1', { lifetime: '10s' })
    await late.renew('10s', { half: 2 })
    await context.clock.advance('10s')
    assert.deepEqual(await (await namespace.worker('other')).requestAttempts(), [])
    const unit = await spec.workUnit('1')
    const attempts = await unit.attempts()
    assert.deepEqual(await statuses(attempts), ['retryable', 'expired', 'failed'])
    const last = attempts[2]!
    const now = context.clock.now()
    assert.deepEqual([(await last.startTime()).getTime(), (await last.endTime())!.getTime()], [now, now])
    assert.deepEqual([last.worker.name, await unit.numAttempts()], ['other', 3])
    const message = 'it had 2 attempts since it was last added, cleared or finished; max_retries is 2'
    assert.deepEqual(await unit.data(), { name: '1', message })
    assert.deepEqual([await attempts[0]!.data(), await attempts[1]!.data()], [{ half: 1 }, { half: 2 }])
    await rejectsWith('ErrLostLease', late.finish())
    assert.equal(await unit.status(), 'failed')
  },

  'units: failed units are retried and their attempts counted anew; others do not change': async (
    context,
  ) => {
    const { spec, worker } = await placeOf(context, ['a', 'b', 'c', 'done', 'spent'], { max_retries: 1 })
    const attempts = await worker.requestAttempts({ numberOfWorkUnits: 5 })
    const of = new Map(attempts.map((attempt) => [attempt.workUnit.name, attempt]))
    for (const name of ['a', 'b']) await of.get(name)!.fail({ broken: 1 })
    await of.get('done')!.finish()
    await of.get('spent')!.retry()
    await worker.requestAttempts()
    assert.equal(await spec.retryWorkUnits({ statuses: ['finished', 'pending'] }), 0)
    assert.equal(await spec.retryWorkUnits({ limit: 1 }), 1)
    assert.deepEqual(await statusesOf(spec), {
      a: 'available',
      b: 'failed',
      c: 'pending',
      done: 'finished',
      spent: 'failed',
    })
    assert.equal(await spec.retryWorkUnits({ statuses: ['failed', 'finished'], names: ['done', 'spent'] }), 1)
    assert.equal(await spec.retryWorkUnits(), 1)
    assert.equal(await spec.retryWorkUnits(), 0)
    const a = await spec.workUnit('a')
    assert.deepEqual([await a.data(), (await a.attempts()).length], [{ name: 'a' }, 1])
    const again = await worker.requestAttempts({ numberOfWorkUnits: 5 })
    assert.deepEqual(
      again.map(({ workUnit }) => workUnit.name),
      ['a', 'b', 'spent'],
    )
  },

  'units: cleared units are available again, whatever their status': async (context) => {
    const { spec, worker } = await placeOf(context, ['1', '2', '3', '4'], { max_retries: 1 })
    await (await take(worker, '1')).finish()
    const lost = await take(worker, '2')
    await (await take(worker, '3')).fail()
    await spec.addWorkUnit('later', {}, { notBefore: new Date(context.clock.now() + 5_000) })
    assert.equal(await spec.clearWorkUnits({ names: ['1', '2', 'none'] }), 2)
    await rejectsWith('ErrLostLease', lost.finish())
    assert.deepEqual(await statusesOf(spec), {
      '1': 'available',
      '2': 'available',
      '3': 'failed',
      '4': 'available',
      later: 'delayed',
    })
    assert.equal(await spec.clearWorkUnits(), 5)
    assert.deepEqual(await statusesOf(spec), {
      '1': 'available',
      '2': 'available',
      '3': 'available',
      '4': 'available',
      later: 'delayed',
    })
    assert.equal((await worker.requestAttempts({ numberOfWorkUnits: 9 })).length, 4)
    await spec.deleteWorkUnits()
    await add(spec, '1')
    assert.equal(await spec.clearWorkUnits({ statuses: ['failed'] }), 0)
  },

  'units: those of a destroyed spec can be neither retried nor cleared': async (context) => {
    const { namespace, spec } = await placeOf(context, ['1'])
    await namespace.destroyWorkSpec('spec')
    await rejectsWith('ErrGone', spec.retryWorkUnits())
    await rejectsWith('ErrGone', spec.clearWorkUnits())
  },
}

function statuses(attempts: readonly Attempt[]): Promise<string[]> {
  return Promise.all(attempts.map((attempt) => attempt.status()))
}
