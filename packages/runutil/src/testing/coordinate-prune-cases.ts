import assert from 'node:assert/strict'
import { type CoordinateCases, add, placeOf, rejectsWith, statusesOf, take } from './coordinate-case.ts'

/** The removal of units and attempts when their retention has ended. */
export const pruneCases: CoordinateCases = {
  'prune: removes units that ended longer ago than the retention, with their attempts': async (context) => {
    const { namespace, spec, worker } = await placeOf(context, [
      'finished',
      'failed',
      'open',
      'pending',
      'young',
    ])
    const attempts = await worker.requestAttempts({ numberOfWorkUnits: 5, lifetime: '1h' })
    const of = new Map(attempts.map((attempt) => [attempt.workUnit.name, attempt]))
    await of.get('finished')!.finish()
    await of.get('failed')!.fail()
    await of.get('open')!.retry()
    await context.clock.advance('10m')
    await of.get('young')!.finish()
    assert.equal(await namespace.prune('5m'), 2)
    assert.deepEqual(await statusesOf(spec), { open: 'available', pending: 'pending', young: 'finished' })
    assert.equal((await worker.allAttempts()).length, 3)
    await rejectsWith('ErrGone', of.get('finished')!.status())
    assert.equal(await namespace.prune('5m'), 0)
  },

  'prune: removes old attempts of a unit that has an active one, but counts them': async (context) => {
    const { namespace, spec, worker } = await placeOf(context, ['1'], { max_retries: 4 })
    for (let nth = 0; nth < 3; nth++) await (await take(worker, '1')).retry({ nth })
    const unit = await spec.workUnit('1')
    await context.clock.advance('1m')
    assert.equal(await namespace.prune(0), 0)
    assert.deepEqual(await Promise.all((await unit.attempts()).map((attempt) => attempt.data())), [
      { nth: 2 },
    ])
    assert.equal(await unit.numAttempts(), 3)
    await (await take(worker, '1')).retry()
    assert.deepEqual(await worker.requestAttempts(), [])
    assert.equal(await unit.status(), 'failed')
  },

  'prune: leaves other namespaces alone, and removes more than one batch': async (context) => {
    const { namespace, spec, worker } = await placeOf(context)
    const names = Array.from({ length: 1_500 }, (_, at) => `${at}`)
    await add(spec, ...names)
    const attempts = await worker.requestAttempts({ numberOfWorkUnits: 1_500 })
    await Promise.all(attempts.map((attempt) => attempt.finish()))
    const other = await context.coordinate.namespace('other')
    const theirs = await other.setWorkSpec({ name: 'theirs' })
    await add(theirs, '1')
    await (await take(await other.worker('other'), '1')).finish()
    await context.clock.advance('1m')
    assert.equal(await namespace.prune('30s'), 1_500)
    assert.deepEqual(await spec.countWorkUnitStatus(), {
      available: 0,
      pending: 0,
      finished: 0,
      failed: 0,
      delayed: 0,
    })
    assert.deepEqual(await statusesOf(theirs), { '1': 'finished' })
  },
}
