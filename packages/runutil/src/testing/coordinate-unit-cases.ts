import assert from 'node:assert/strict'
import {
  type CoordinateCases,
  LIFETIME_MS,
  add,
  placeOf,
  rejectsWith,
  statusesOf,
  take,
} from './coordinate-case.ts'

/** Adding, finding, changing and deleting units. */
export const unitCases: CoordinateCases = {
  'unit: has its data and meta, and is available': async (context) => {
    const { spec } = await placeOf(context)
    const unit = await spec.addWorkUnit('1', { a: [1] }, { priority: 2.5 })
    assert.deepEqual(await unit.data(), { a: [1] })
    assert.deepEqual(
      [await unit.status(), await unit.priority(), await unit.numAttempts()],
      ['available', 2.5, 0],
    )
    assert.equal(await unit.activeAttempt(), undefined)
    assert.equal((await spec.workUnit('1')).name, '1')
    await rejectsWith('ErrNoSuchWorkUnit', spec.workUnit('2'))
  },

  'unit: a delayed unit is available once its time has come': async (context) => {
    const { spec, worker } = await placeOf(context)
    const notBefore = new Date(context.clock.now() + 5_000)
    const unit = await spec.addWorkUnit('1', {}, { notBefore })
    assert.deepEqual(await unit.meta(), { priority: 0, notBefore })
    assert.equal(await unit.status(), 'delayed')
    assert.deepEqual(await worker.requestAttempts(), [])
    await context.clock.advance(5_000)
    assert.equal(await unit.status(), 'available')
    await take(worker, '1')
  },

  'unit: adding an existing name replaces its data and meta, and runs it again unless it is pending': async (
    context,
  ) => {
    const { spec, worker } = await placeOf(context, ['done', 'runs'])
    await (await take(worker, 'done')).finish({ result: 1 })
    const attempt = await take(worker, 'runs')
    const units = await spec.addWorkUnits([
      { name: 'done', data: { v: 2 }, meta: { priority: 1 } },
      { name: 'runs', data: { v: 2 } },
    ])
    assert.deepEqual(await statusesOf(spec), { done: 'available', runs: 'pending' })
    assert.deepEqual(await units[0]!.data(), { v: 2 })
    assert.deepEqual([await units[0]!.priority(), await units[0]!.numAttempts()], [1, 1])
    assert.deepEqual(await units[1]!.data(), { name: 'runs' })
    await attempt.finish()
    assert.deepEqual(await statusesOf(spec), { done: 'available', runs: 'finished' })
  },

  'units: are found by name, status, page and limit, ordered by name': async (context) => {
    const { spec, worker } = await placeOf(context, ['b', 'a', 'ä', 'Z', '\u{1f40e}', '\uff5e'])
    const names = async (query = {}): Promise<string[]> => [...(await spec.workUnits(query)).keys()]
    // By code point: the horse comes after U+FF5E, whatever its surrogates are.
    assert.deepEqual(await names(), ['Z', 'a', 'b', 'ä', '\uff5e', '\u{1f40e}'])
    assert.deepEqual(await names({ limit: 2 }), ['Z', 'a'])
    assert.deepEqual(await names({ previousName: 'a', limit: 2 }), ['b', 'ä'])
    assert.deepEqual(await names({ names: ['b', 'Z', 'none'] }), ['Z', 'b'])
    await take(worker, 'Z')
    assert.deepEqual(await names({ statuses: ['pending', 'failed'] }), ['Z'])
    assert.deepEqual(await names({ statuses: [] }), [])
    assert.deepEqual(await names({ names: [] }), [])
  },

  'units: are counted by status': async (context) => {
    const { spec, worker } = await placeOf(context, ['1', '2', '3', '4'])
    await (await take(worker, '1')).finish()
    await (await take(worker, '2')).fail()
    await take(worker, '3')
    await spec.addWorkUnit('5', {}, { notBefore: new Date(context.clock.now() + 1_000) })
    assert.deepEqual(await spec.countWorkUnitStatus(), {
      available: 1,
      pending: 1,
      finished: 1,
      failed: 1,
      delayed: 1,
    })
    const counted = (status: string) => ({ namespace: 'namespace', workSpec: 'spec', status, count: 1 })
    const rows = await spec.summarize()
    const statuses = ['available', 'delayed', 'failed', 'finished', 'pending']
    assert.deepEqual(
      rows.sort((a, b) => (a.status < b.status ? -1 : 1)),
      statuses.map(counted),
    )
    assert.equal((await context.coordinate.summarize()).length, 5)
  },

  'units: those that have not ended are counted, of each spec': async (context) => {
    const { namespace, spec, worker } = await placeOf(context, ['1', '2', '3', '4', '5'])
    await (await take(worker, '1')).finish()
    await (await take(worker, '2')).fail()
    await take(worker, '3')
    await spec.addWorkUnit('6', {}, { notBefore: new Date(context.clock.now() + 60_000) })
    await namespace.setWorkSpec({ name: 'empty' })
    await (await context.coordinate.namespace('a')).setWorkSpec({ name: 'spec' })
    const none = { available: 0, pending: 0, delayed: 0 }
    const others = [
      { namespace: 'a', workSpec: 'spec', ...none },
      { namespace: 'namespace', workSpec: 'empty', ...none },
    ]
    const counted = (available: number, pending: number, delayed: number) => [
      ...others,
      { namespace: 'namespace', workSpec: 'spec', available, pending, delayed },
    ]
    assert.deepEqual(await context.coordinate.openUnits(), counted(2, 1, 1))
    // Nothing is written when time passes.
    await context.clock.advance(60_000)
    assert.deepEqual(await context.coordinate.openUnits(), counted(3, 1, 0))
    await context.clock.advance(LIFETIME_MS)
    assert.deepEqual(await context.coordinate.openUnits(), counted(4, 0, 0))
  },

  'units: their priorities can be set and adjusted': async (context) => {
    const { spec } = await placeOf(context, ['1', '2', '3'])
    await spec.setWorkUnitPriorities({ names: ['1', '2'] }, 5)
    await spec.adjustWorkUnitPriorities({ names: ['2', '3'] }, -1)
    const units = [...(await spec.workUnits()).values()]
    assert.deepEqual(await Promise.all(units.map((unit) => unit.priority())), [5, 4, -1])
    await units[0]!.setPriority(9)
    assert.equal(await units[0]!.priority(), 9)
  },

  'units: deleted units are gone, also from their workers': async (context) => {
    const { spec, worker } = await placeOf(context, ['1', '2', '3'])
    const attempt = await take(worker, '1')
    await take(worker, '2')
    assert.equal(await spec.deleteWorkUnits({ statuses: ['pending'], limit: 1 }), 1)
    assert.deepEqual(await statusesOf(spec), { '2': 'pending', '3': 'available' })
    await rejectsWith('ErrGone', attempt.workUnit.status())
    await rejectsWith('ErrGone', attempt.finish())
    assert.equal((await worker.allAttempts()).length, 1)
    await add(spec, '1')
    await rejectsWith('ErrGone', attempt.workUnit.data())
    assert.equal(await spec.deleteWorkUnits(), 3)
    assert.deepEqual(await worker.allAttempts(), [])
  },
}
