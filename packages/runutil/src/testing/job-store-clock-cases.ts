import assert from 'node:assert/strict'
import {
  type JobStoreCases,
  LEASE_MS,
  again,
  claim,
  claimOnly,
  done,
  expire,
  held,
  idsOf,
  later,
  limitTo,
  put,
  rules,
} from './job-store-case.ts'
import type { VirtualClock } from './virtual-clock.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** Small and large steps, in no order. */
const STEPS = [-HOUR_MS, -10_000, -400 * 24 * HOUR_MS]

/** The store's clock is set: by an operator, by NTP, or by a failover to another machine. */
export const clockCases: JobStoreCases = {
  'clock set back: a lease expires after its own duration': async (context) => {
    for (const byMs of STEPS) {
      const { store, clock } = context
      await held(store, `${byMs}`)
      set(clock, byMs)
      assert.deepEqual(await claim(store), [])
      await expire(context)
      const job = await claimOnly(store, `${byMs}`)
      assert.equal(job.crashes, 1)
      await store.settle([done(job)])
    }
  },

  'clock set back: a renewed lease continues': async ({ store, clock }) => {
    const job = await held(store, '1')
    set(clock, -HOUR_MS)
    await clock.advance(LEASE_MS - 1_000)
    assert.deepEqual(await claim(store), [])
    assert.deepEqual(await store.renew([job], LEASE_MS), [])
    await clock.advance(LEASE_MS - 1_000)
    assert.deepEqual(await claim(store), [])
    assert.deepEqual(await store.settle([done(job)]), [])
  },

  'clock set back: a retry comes after its own delay': async ({ store, clock }) => {
    await put(store, '1', '2')
    await store.settle((await claim(store)).map((job) => again(job, { delayMs: 10_000 })))
    await clock.advance(4_000)
    set(clock, -HOUR_MS)
    assert.deepEqual(await claim(store), [])
    await clock.advance(10_000)
    assert.deepEqual(idsOf(await claim(store)), ['1', '2'])
  },

  'clock set back: a delayed job comes after its own delay': async ({ store, clock }) => {
    await put(store, { id: '1', delayMs: 10_000 })
    await clock.advance(4_000)
    set(clock, -HOUR_MS)
    assert.deepEqual(await claim(store), [])
    await clock.advance(10_000)
    await claimOnly(store, '1')
  },

  'clock set forward, and back: a retry comes after its own delay': async ({ store, clock }) => {
    const job = await held(store, '1')
    set(clock, HOUR_MS)
    await store.settle([again(job, { delayMs: 10_000 })])
    await clock.advance(1_000)
    set(clock, -HOUR_MS)
    assert.deepEqual(await claim(store), [])
    await clock.advance(10_000)
    await claimOnly(store, '1')
  },

  'clock set back: a retry can be cancelled, and made due at once': async ({ store, clock }) => {
    await put(store, '1', '2')
    await store.settle((await claim(store)).map((job) => again(job, { delayMs: 10_000 })))
    set(clock, -HOUR_MS)
    assert.deepEqual(await claim(store), [])
    assert.equal(await store.cancel('1'), true)
    assert.equal(await store.retryNow('2'), true)
    await claimOnly(store, '2')
  },

  'clock set back: what is due stays due': async (context) => {
    const { store, clock } = context
    await put(store, '1', '2', '3')
    const [first, second] = await claim(store, { limit: 2 })
    set(clock, -HOUR_MS)
    await store.release([first!])
    assert.deepEqual(idsOf(await claim(store)), ['1', '3'])
    await expire(context)
    assert.deepEqual(idsOf(await claim(store)), ['1', '2', '3'])
    assert.equal(second!.id, '2')
  },

  'clock set back: a time of day stays': async ({ store, clock }) => {
    await put(store, { id: '1', runAt: later(clock, MINUTE_MS) }, '2')
    await store.settle([again(await claimOnly(store, '2'), { runAt: later(clock, MINUTE_MS) })])
    set(clock, -HOUR_MS)
    await clock.advance(HOUR_MS)
    assert.deepEqual(await claim(store), [])
    await clock.advance(MINUTE_MS)
    assert.deepEqual(idsOf(await claim(store)), ['1', '2'])
  },

  'clock set back: starts count towards a rate for its own period': async ({ store, clock }) => {
    for (const byMs of STEPS) {
      await limitTo(store, { rate: { limit: 2, perMs: 10_000 } })
      await put(store, `${byMs} a`, `${byMs} b`, `${byMs} c`)
      await store.settle((await claim(store)).map((job) => done(job)))
      await clock.advance(2_000)
      set(clock, byMs)
      assert.deepEqual(await claim(store), [])
      await clock.advance(9_000)
      await limitTo(store, { rate: { limit: 2, perMs: 10_000 } })
      await clock.advance(1_000)
      await store.settle([done(await claimOnly(store, `${byMs} c`))])
      await clock.advance(10_000)
    }
  },

  'clock set back: rules that are not renewed expire': async ({ store, clock }) => {
    await store.setRules('gone', new Map([['a', rules({ concurrency: 1 })]]))
    await put(store, '1', '2', '3')
    set(clock, -HOUR_MS)
    await claimOnly(store, '1')
    for (let minute = 0; minute < 3; minute++) {
      await store.setRules('there', new Map([['a', rules({ concurrency: 2 })]]))
      await clock.advance(MINUTE_MS)
    }
    assert.deepEqual(idsOf(await claim(store)), ['1', '2'])
  },

  'clock set: a claim reports it once, and by how much': async ({ store, clock }) => {
    const reported: number[] = []
    const look = async (times: number): Promise<void> => {
      const onClockSet = (byMs: number): void => void reported.push(byMs)
      for (let time = 0; time < times; time++) await claim(store, { onClockSet })
    }
    await look(2)
    set(clock, -HOUR_MS)
    await look(3)
    await clock.advance(HOUR_MS)
    await look(3)
    set(clock, 20_000)
    await look(3)
    set(clock, 500)
    await look(3)
    assert.deepEqual(reported, [-HOUR_MS, 20_000])
  },

  'clock set forward: held jobs are not freed': async ({ store, clock }) => {
    const job = await held(store, '1')
    set(clock, HOUR_MS)
    assert.deepEqual(await claim(store, { holder: 1, holding: new Set([job.claim]) }), [])
    assert.deepEqual(await store.renew([job], LEASE_MS), [])
    assert.deepEqual(await claim(store), [])
    set(clock, -HOUR_MS)
    assert.deepEqual(await claim(store), [])
    assert.deepEqual(await store.settle([done(job)]), [])
  },
}

function set(clock: VirtualClock, byMs: number): void {
  clock.set(clock.now() + byMs)
}
