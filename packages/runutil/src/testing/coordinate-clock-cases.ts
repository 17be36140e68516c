import assert from 'node:assert/strict'
import { type CoordinateCases, namesOf, placeOf, rejectsWith, statusesOf, take } from './coordinate-case.ts'
import type { VirtualClock } from './virtual-clock.ts'

const HOUR_MS = 3_600_000
/** Small and large steps, in no order. */
const STEPS = [-HOUR_MS, -10_000, -400 * 24 * HOUR_MS]

/** The store's clock is set: by an operator, by NTP, or by a failover to another machine. */
export const clockCases: CoordinateCases = {
  'clock set back: an attempt expires after its own lifetime': async (context) => {
    const { worker } = await placeOf(context, ['1'])
    for (const byMs of STEPS) {
      const attempt = await take(worker, '1', { lifetime: '1m' })
      set(context.clock, byMs)
      assert.deepEqual(await worker.requestAttempts(), [])
      const left = (await attempt.expirationTime()).getTime() - context.clock.now()
      assert.equal(left, 60_000)
      await context.clock.advance('1m')
      assert.equal(await attempt.status(), 'expired')
    }
  },

  'clock set back: a renewed attempt continues': async (context) => {
    const { worker } = await placeOf(context, ['1'])
    const attempt = await take(worker, '1', { lifetime: '1m' })
    set(context.clock, -HOUR_MS)
    assert.deepEqual(await worker.requestAttempts(), [])
    await context.clock.advance('50s')
    await attempt.renew('1m')
    await context.clock.advance('50s')
    assert.deepEqual(await worker.requestAttempts(), [])
    await attempt.finish()
  },

  'clock set back: others take a unit after the lifetime of its attempt': async (context) => {
    const { namespace, worker } = await placeOf(context, ['1'])
    const lost = await take(worker, '1', { lifetime: '1m' })
    const other = await namespace.worker('other')
    set(context.clock, -HOUR_MS)
    assert.deepEqual(await other.requestAttempts(), [])
    await context.clock.advance('1m')
    await take(other, '1')
    await rejectsWith('ErrLostLease', lost.finish())
  },

  'clock set back: a retry comes after its own delay': async (context) => {
    const { worker } = await placeOf(context, ['1'])
    for (const byMs of STEPS) {
      await (await take(worker, '1')).retry({}, '10s')
      await context.clock.advance('4s')
      set(context.clock, byMs)
      assert.deepEqual(await worker.requestAttempts(), [])
      await context.clock.advance('10s')
      await (await take(worker, '1')).retry()
    }
  },

  'clock set forward, and back: a retry comes after its own delay': async (context) => {
    const { worker } = await placeOf(context, ['1'])
    const attempt = await take(worker, '1')
    set(context.clock, HOUR_MS)
    await attempt.retry({}, '10s')
    await context.clock.advance('1s')
    set(context.clock, -HOUR_MS)
    assert.deepEqual(await worker.requestAttempts(), [])
    await context.clock.advance('10s')
    await take(worker, '1')
  },

  'clock set back: a chained unit comes after its own delay': async (context) => {
    const { namespace, worker } = await placeOf(context, ['1'], { then: 'next' })
    await namespace.setWorkSpec({ name: 'next' })
    await (await take(worker, '1')).finish({ output: [['2', {}, { delay: 10 }]] })
    set(context.clock, -HOUR_MS)
    assert.deepEqual(await worker.requestAttempts(), [])
    await context.clock.advance('10s')
    await take(worker, '2')
  },

  'clock set back: the next unit of a continuous spec comes after the interval': async (context) => {
    const { worker } = await placeOf(context, [], { continuous: true, interval: 60 })
    for (const byMs of STEPS) {
      const [attempt] = await worker.requestAttempts()
      await attempt!.finish()
      set(context.clock, byMs)
      assert.deepEqual(await worker.requestAttempts(), [])
      await context.clock.advance('1m')
    }
    assert.equal((await worker.requestAttempts()).length, 1)
  },

  'clock set back: times of day do not change': async (context) => {
    const { clock } = context
    const { spec, worker } = await placeOf(context, [], { continuous: true, interval: 60 })
    const noon = new Date(clock.now() + HOUR_MS)
    await spec.addWorkUnit('1', {}, { notBefore: noon })
    await spec.setMeta({ nextContinuous: noon })
    set(clock, -HOUR_MS)
    assert.deepEqual(await worker.requestAttempts(), [])
    await clock.advance('119m')
    assert.deepEqual(await worker.requestAttempts(), [])
    assert.deepEqual(await statusesOf(spec), { '1': 'delayed' })
    await clock.advance('1m')
    assert.deepEqual(await namesOf(worker.requestAttempts()), ['1'])
  },
}

function set(clock: VirtualClock, byMs: number): void {
  clock.set(clock.now() + byMs)
}
