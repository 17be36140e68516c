import assert from 'node:assert/strict'
import { type CoordinateCases, placeOf, rejectsWith, take } from './coordinate-case.ts'

/** Creating, finding, changing and deleting namespaces, specs and workers. */
export const modelCases: CoordinateCases = {
  'namespace: is created on first use, and is the same the next time': async ({ coordinate }) => {
    const namespace = await coordinate.namespace('a')
    await namespace.setWorkSpec({ name: 'spec' })
    assert.deepEqual(await (await coordinate.namespace('a')).workSpecNames(), ['spec'])
    assert.deepEqual(await (await coordinate.namespace('')).workSpecNames(), [])
    assert.deepEqual([...(await coordinate.namespaces()).keys()], ['', 'a'])
  },

  'namespace: when it is destroyed, all its contents are gone': async (context) => {
    const { namespace, spec, worker } = await placeOf(context, ['1'])
    const attempt = await take(worker, '1')
    await namespace.destroy()
    for (const call of [
      () => namespace.workSpecNames(),
      () => namespace.worker('worker'),
      () => namespace.destroy(),
      () => spec.data(),
      () => spec.addWorkUnit('2', {}),
      () => worker.requestAttempts(),
      () => attempt.workUnit.status(),
      () => attempt.finish(),
    ]) {
      await rejectsWith('ErrGone', call())
    }
    assert.deepEqual(await (await context.coordinate.namespace('namespace')).workSpecNames(), [])
  },

  'spec: has the data that it was given, whatever the JSON': async ({ coordinate }) => {
    const namespace = await coordinate.namespace('a')
    const data = { name: 'spec', list: [1, 'two', null], nested: { '': '\u{1f40e}', a: 0.5 } }
    const spec = await namespace.setWorkSpec(data)
    assert.deepEqual(await spec.data(), data)
    data.list.push(2)
    assert.deepEqual(await (await namespace.workSpec('spec')).data(), { ...data, list: [1, 'two', null] })
  },

  'spec: is refused without a name, or with one that is not a string': async ({ coordinate }) => {
    const namespace = await coordinate.namespace('a')
    await rejectsWith('ErrNoWorkSpecName', namespace.setWorkSpec({}))
    await rejectsWith('ErrBadWorkSpecName', namespace.setWorkSpec({ name: 1 }))
    assert.deepEqual(await namespace.workSpecNames(), [])
  },

  'spec: when set again, it is the same spec with new data': async (context) => {
    const { namespace, spec } = await placeOf(context, ['1'])
    await namespace.setWorkSpec({ name: 'spec', weight: 3 })
    assert.deepEqual(await spec.data(), { name: 'spec', weight: 3 })
    assert.equal((await spec.meta()).weight, 3)
    assert.deepEqual([...(await spec.workUnits()).keys()], ['1'])
  },

  'spec: its name never changes': async (context) => {
    const { spec } = await placeOf(context)
    await rejectsWith('ErrChangedName', spec.setData({ name: 'other' }))
    await rejectsWith('ErrNoWorkSpecName', spec.setData({}))
    await spec.setData({ name: 'spec', priority: 2 })
    assert.equal((await spec.meta()).priority, 2)
  },

  'spec: its meta is derived anew whenever its data is set': async (context) => {
    const { spec } = await placeOf(context, [], { weight: 3, max_running: 4 })
    await spec.setMeta({ weight: 5, paused: true })
    const { weight, paused, maxRunning } = await spec.meta()
    assert.deepEqual([weight, paused, maxRunning], [5, true, 4])
    await spec.setData({ name: 'spec', max_running: 1 })
    const after = await spec.meta()
    assert.deepEqual([after.weight, after.paused, after.maxRunning], [20, false, 1])
  },

  'spec: setMeta ignores what it cannot change': async (context) => {
    const { spec } = await placeOf(context, ['1'], { then: 'next', runtime: 'node' })
    await spec.setMeta({
      canBeContinuous: true,
      continuous: true,
      nextWorkSpecName: 'other',
      runtime: 'go',
      availableCount: 7,
      pendingCount: 7,
    })
    const meta = await spec.meta({ withCounts: true })
    assert.deepEqual([meta.canBeContinuous, meta.continuous, meta.nextWorkSpecName], [false, false, 'next'])
    assert.deepEqual([meta.runtime, meta.availableCount, meta.pendingCount], ['node', 1, 0])
  },

  'spec: its meta has counts only on request': async (context) => {
    const { spec, worker } = await placeOf(context, ['1', '2', '3'])
    await take(worker, '1')
    const { availableCount, pendingCount } = await spec.meta({ withCounts: true })
    assert.deepEqual([availableCount, pendingCount], [2, 1])
    const without = await spec.meta()
    assert.deepEqual([without.availableCount, without.pendingCount], [0, 0])
  },

  'spec: a destroyed spec is gone, and a new one with its name is another': async (context) => {
    const { namespace, spec } = await placeOf(context, ['1'])
    const unit = await spec.workUnit('1')
    await namespace.destroyWorkSpec('spec')
    const again = await namespace.setWorkSpec({ name: 'spec' })
    await rejectsWith('ErrGone', spec.data())
    await rejectsWith('ErrGone', unit.data())
    assert.deepEqual(await again.deleteWorkUnits(), 0)
  },

  'spec: an unknown spec is refused': async (context) => {
    const { namespace } = await placeOf(context)
    await rejectsWith('ErrNoSuchWorkSpec', namespace.workSpec('other'))
    await rejectsWith('ErrNoSuchWorkSpec', namespace.destroyWorkSpec('other'))
  },

  'worker: its record is created on first use': async (context) => {
    const { namespace, worker } = await placeOf(context)
    const now = context.clock.now()
    assert.deepEqual([await worker.active(), await worker.mode(), await worker.data()], [true, '', {}])
    assert.equal((await worker.lastUpdate()).getTime(), now)
    assert.equal((await worker.expiration()).getTime(), now + 15 * 60_000)
    assert.equal(await worker.parent(), undefined)
    assert.deepEqual([...(await namespace.workers()).keys()], ['worker'])
  },

  'worker: an update sets its data and times, and makes it active': async (context) => {
    const { worker } = await placeOf(context)
    await worker.deactivate()
    assert.equal(await worker.active(), false)
    const now = new Date(context.clock.now() + 1)
    const expiration = new Date(context.clock.now() + 2)
    await worker.update({ data: { pid: 1 }, now, expiration, mode: 'run' })
    assert.deepEqual(
      [await worker.active(), await worker.mode(), await worker.data()],
      [true, 'run', { pid: 1 }],
    )
    assert.deepEqual([await worker.lastUpdate(), await worker.expiration()], [now, expiration])
  },

  'worker: has a parent, which has its children and their attempts': async (context) => {
    const { namespace, worker } = await placeOf(context, ['1', '2'])
    const child = await namespace.worker('child')
    await child.setParent(worker)
    assert.equal((await child.parent())!.name, 'worker')
    assert.deepEqual(
      (await worker.children()).map(({ name }) => name),
      ['child'],
    )
    const attempt = await take(child, '1')
    await take(worker, '2')
    assert.deepEqual(
      (await worker.childAttempts()).map(({ workUnit }) => workUnit.name),
      ['1'],
    )
    await attempt.finish()
    assert.deepEqual(await worker.childAttempts(), [])
    await child.setParent(undefined)
    assert.deepEqual(await worker.children(), [])
  },
}
