import assert from 'node:assert/strict'
import type { WorkSpec } from '../coordinate/model.ts'
import {
  type CoordinateCases,
  add,
  namesOf,
  placeOf,
  rejectsWith,
  statusesOf,
  take,
} from './coordinate-case.ts'

const REFUSED = 'InvalidArgumentError'
const TOO_LARGE = [1e308, -1e101]
const TOO_SMALL = [5e-324, -1e-101]

export const limitCases: CoordinateCases = {
  'limits: a number that no store can calculate with is refused': async (context) => {
    const { spec } = await placeOf(context, ['a'])
    const unit = await spec.workUnit('a')
    for (const number of [...TOO_LARGE, ...TOO_SMALL]) {
      await rejectsWith(REFUSED, unit.setPriority(number))
      await rejectsWith(REFUSED, unit.setMeta({ priority: number }))
      await rejectsWith(REFUSED, spec.addWorkUnit('b', {}, { priority: number }))
      await rejectsWith(REFUSED, spec.setWorkUnitPriorities({}, number))
      await rejectsWith(REFUSED, spec.adjustWorkUnitPriorities({}, number))
      await rejectsWith(REFUSED, spec.setMeta({ weight: number }))
    }
    await unit.setPriority(1e100)
    await spec.adjustWorkUnitPriorities({}, 1e100)
    assert.equal(await unit.priority(), 2e100)
  },

  'limits: such numbers in the data of specs and units are ignored, and work goes on': async (context) => {
    const { namespace, worker } = await placeOf(context)
    const specs: WorkSpec[] = []
    for (const [at, number] of [...TOO_LARGE, ...TOO_SMALL].entries()) {
      const data = { name: `${at}`, weight: number, priority: number, min_gb: number, then: 'next' }
      specs.push(await namespace.setWorkSpec(data))
    }
    const next = await namespace.setWorkSpec({ name: 'next', disabled: true })
    for (const spec of specs) {
      const { weight, priority, minMemoryGb } = await spec.meta()
      assert.deepEqual({ weight, priority, minMemoryGb }, { weight: 20, priority: 0, minMemoryGb: 0 })
      await add(spec, 'a')
    }
    for (let taken = 0; taken < specs.length; taken++) {
      const attempt = await take(worker, 'a')
      await attempt.finish({
        output: [
          ['b', {}, { priority: 1e308 }],
          ['c', {}, { priority: 2 }, 5e-324],
        ],
      })
    }
    assert.deepEqual(await worker.requestAttempts(), [])
    assert.equal(await (await next.workUnit('b')).priority(), 0)
    assert.equal(await (await next.workUnit('c')).priority(), 2)
  },

  'limits: a negative interval is none': async (context) => {
    const { spec, worker } = await placeOf(context, [], { continuous: true, interval: -1e12 })
    assert.equal((await spec.meta()).interval, 0)
    const [attempt] = await worker.requestAttempts()
    await attempt!.finish()
    assert.equal((await worker.requestAttempts()).length, 1)
  },

  'limits: a time before those that every store holds is refused': async (context) => {
    const { spec, worker } = await placeOf(context, ['a'], { continuous: true })
    const unit = await spec.workUnit('a')
    const early = new Date(Date.UTC(-5000, 0))
    const first = new Date(Date.UTC(-4712, 0))
    const last = new Date(8.64e15)
    await rejectsWith(REFUSED, spec.addWorkUnit('b', {}, { notBefore: early }))
    await rejectsWith(REFUSED, unit.setMeta({ notBefore: early }))
    await rejectsWith(REFUSED, spec.setMeta({ nextContinuous: early }))
    await rejectsWith(REFUSED, worker.update({ data: {}, mode: '', now: early, expiration: last }))
    await unit.setMeta({ notBefore: first })
    assert.deepEqual((await unit.meta()).notBefore, first)
    assert.deepEqual(await statusesOf(spec), { a: 'available' })
    await unit.setMeta({ notBefore: last })
    assert.deepEqual((await unit.meta()).notBefore, last)
    assert.deepEqual(await statusesOf(spec), { a: 'delayed' })
  },

  'limits: a request may ask for any number of units': async (context) => {
    for (const numberOfWorkUnits of [2 ** 31 - 1, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      const { worker } = await placeOf(context, ['a', 'b'], { max_retries: 3 })
      const attempts = await worker.requestAttempts({ numberOfWorkUnits })
      assert.deepEqual(await namesOf(Promise.resolve(attempts)), ['a', 'b'])
      await Promise.all(attempts.map((attempt) => attempt.finish()))
    }
  },

  'worker: its parent and its units are of its own namespace': async (context) => {
    const { spec, worker } = await placeOf(context, ['a'])
    const other = await (await context.coordinate.namespace('other')).worker('worker')
    await rejectsWith(REFUSED, worker.setParent(other))
    assert.equal(await worker.parent(), undefined)
    assert.deepEqual(await other.children(), [])
    await rejectsWith(REFUSED, other.makeAttempt(await spec.workUnit('a')))
    assert.deepEqual(await statusesOf(spec), { a: 'available' })
    assert.deepEqual(await other.allAttempts(), [])
  },
}
