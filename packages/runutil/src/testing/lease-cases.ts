import assert from 'node:assert/strict'
import type { LeaseStore } from '../leases/lease-store.ts'
import type { LeaseCases } from './lease-case.ts'
import { leaseScheduleCases } from './lease-schedule-cases.ts'

const MINUTE = 60_000
const LEASE = { leaseMs: MINUTE, everyMs: undefined }
const HOURLY = { leaseMs: MINUTE, everyMs: 60 * MINUTE }

/**
 * The contract of every LeaseStore as test cases, for any test runner: a case rejects if the store breaks it.
 *
 * @example
 * for (const [sentence, check] of Object.entries(leaseConformance)) {
 *   test(sentence, () => {
 *     const clock = new VirtualClock()
 *     return check({ leases: new MemoryLeaseStore({ clock }), pass: (ms) => clock.advance(ms) })
 *   })
 * }
 */
export const leaseConformance: LeaseCases = {
  ...leaseScheduleCases,

  'a lease has one holder at a time, and each acquisition a greater fence': async ({ leases }) => {
    const first = await take(leases, LEASE)
    const answer = await leases.acquire('lease', LEASE)
    assert.equal(answer.kind, 'refused')
    await leases.release('lease', first, 'done')
    assert.ok((await take(leases, LEASE)) > first)
  },

  'a name that no store can hold is refused at the call': async ({ leases }) => {
    for (const name of ['a\0b', 'half \ud800'])
      await assert.rejects(leases.acquire(name, LEASE), { code: 'ERR_INVALID_ARGUMENT' })
  },

  'leases of different names are independent': async ({ leases }) => {
    await take(leases, LEASE, 'one')
    await take(leases, LEASE, 'two')
  },

  'of many concurrent requests, one acquires the lease': async ({ leases }) => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => leases.acquire('lease', LEASE)))
    assert.equal(answers.filter(({ kind }) => kind === 'acquired').length, 1)
  },

  'a refusal says how long the lease lasts': async ({ leases, pass }) => {
    await take(leases, LEASE)
    await pass(20_000)
    await refused(leases, LEASE, { freeInMs: 40_000, dueInMs: 0 })
  },

  'an expired lease may be acquired by another, and then not be renewed or released': async ({
    leases,
    pass,
  }) => {
    const first = await take(leases, LEASE)
    await pass(MINUTE)
    const second = await take(leases, LEASE)
    assert.equal(await leases.renew('lease', first, MINUTE), false)
    await leases.release('lease', first, 'unused')
    await refused(leases, LEASE, { freeInMs: MINUTE, dueInMs: 0 })
    assert.equal(await leases.renew('lease', second, MINUTE), true)
  },

  'an expired lease that no other has acquired may be renewed and released': async ({ leases, pass }) => {
    const fence = await take(leases, LEASE)
    await pass(2 * MINUTE)
    assert.equal(await leases.renew('lease', fence, MINUTE), true)
    await refused(leases, LEASE, { freeInMs: MINUTE, dueInMs: 0 })
    await leases.release('lease', fence, 'done')
    await take(leases, LEASE)
  },

  'a renewal extends the lease from then on': async ({ leases, pass }) => {
    const fence = await take(leases, LEASE)
    await pass(50_000)
    assert.equal(await leases.renew('lease', fence, MINUTE), true)
    await pass(50_000)
    await refused(leases, LEASE, { freeInMs: 10_000, dueInMs: 0 })
  },

  'a released lease cannot be renewed': async ({ leases }) => {
    const fence = await take(leases, LEASE)
    await leases.release('lease', fence, 'done')
    assert.equal(await leases.renew('lease', fence, MINUTE), false)
    assert.equal(await leases.renew('unknown', 1, MINUTE), false)
    await leases.release('unknown', 1, 'done')
  },

  'an hourly lease is due an hour after it was acquired': async ({ leases, pass }) => {
    const fence = await take(leases, HOURLY)
    await pass(10_000)
    await leases.release('lease', fence, 'done')
    await refused(leases, HOURLY, { freeInMs: 0, dueInMs: 60 * MINUTE - 10_000 })
    await pass(60 * MINUTE - 10_000)
    await take(leases, HOURLY)
  },

  'a lease held beyond its interval is not due until it is free': async ({ leases, pass }) => {
    const fence = await take(leases, HOURLY)
    await pass(61 * MINUTE)
    await leases.renew('lease', fence, MINUTE)
    await refused(leases, HOURLY, { freeInMs: MINUTE, dueInMs: 0 })
    await leases.release('lease', fence, 'done')
    await take(leases, HOURLY)
  },

  'a lease whose holder died is available once it expires, whatever its interval': async ({
    leases,
    pass,
  }) => {
    await take(leases, HOURLY)
    await refused(leases, HOURLY, { freeInMs: MINUTE, dueInMs: 60 * MINUTE })
    await pass(MINUTE)
    await take(leases, HOURLY)
  },

  'a changed interval applies at once, from the last acquisition': async ({ leases, pass }) => {
    await leases.release('lease', await take(leases, HOURLY), 'done')
    await pass(20 * MINUTE)
    await refused(leases, { ...HOURLY, everyMs: 30 * MINUTE }, { freeInMs: 0, dueInMs: 10 * MINUTE })
    await refused(leases, { ...HOURLY, everyMs: 24 * 60 * MINUTE }, { freeInMs: 0, dueInMs: 1_420 * MINUTE })
    await take(leases, { ...HOURLY, everyMs: 10 * MINUTE })
  },

  'a failed run is due after a delay, which doubles up to a minute until a run succeeds': async ({
    leases,
    pass,
  }) => {
    for (const delayMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, MINUTE, MINUTE]) {
      await leases.release('lease', await take(leases, HOURLY), 'failed')
      // A shorter delay may have ended by now.
      if (delayMs > 4_000) await refused(leases, HOURLY, { freeInMs: 0, dueInMs: delayMs })
      await pass(delayMs)
    }
    await leases.release('lease', await take(leases, HOURLY), 'done')
    await refused(leases, HOURLY, { freeInMs: 0, dueInMs: 60 * MINUTE })
    await pass(60 * MINUTE)
    await leases.release('lease', await take(leases, HOURLY), 'failed')
    await pass(1_000)
    await take(leases, HOURLY)
  },

  'a failed run is due after its interval at the latest, and a run released unused does not reset the failures':
    async ({ leases, pass }) => {
      const often = { ...LEASE, everyMs: 500 }
      await leases.release('lease', await take(leases, often), 'failed')
      await pass(500)
      await leases.release('lease', await take(leases, often), 'failed')
      await pass(2_000)
      const fence = await take(leases, HOURLY)
      await refused(leases, HOURLY, { freeInMs: MINUTE, dueInMs: 60 * MINUTE })
      await leases.release('lease', fence, 'unused')
      await leases.release('lease', await take(leases, HOURLY), 'failed')
      await refused(leases, HOURLY, { freeInMs: 0, dueInMs: 4_000 })
    },

  'a lease released unused is due at once': async ({ leases }) => {
    const fence = await take(leases, HOURLY)
    await leases.release('lease', fence, 'unused')
    await take(leases, HOURLY)
  },

  'a list has what was ever acquired: held leases first, each with its fence and the time left': async ({
    leases,
    pass,
  }) => {
    if (leases.list === undefined) return
    assert.deepEqual(await leases.list(10), [])
    const free = await take(leases, LEASE, 'a')
    await leases.release('a', free, 'done')
    const held = await take(leases, { ...LEASE, leaseMs: 2 * MINUTE }, 'c')
    const expired = await take(leases, LEASE, 'b')
    await pass(90_000)
    const found = await leases.list(10)
    const names = found.map(({ name, fence }) => [name, fence])
    assert.deepEqual(names, [
      ['b', expired],
      ['c', held],
      ['a', free],
    ])
    const [late, soon, none] = found
    assert.equal(late!.expiresInMs, 0)
    isAbout(soon!.expiresInMs, 30_000)
    assert.equal(none!.expiresInMs, undefined)
    assert.ok(soon!.acquiredAgoMs! >= 90_000 && soon!.acquiredAgoMs! < 100_000)
    assert.equal((await leases.list(2)).length, 2)
  },

  'a request without an interval is due at once': async ({ leases }) => {
    await leases.release('lease', await take(leases, HOURLY), 'done')
    await take(leases, LEASE)
  },
}

async function take(
  leases: LeaseStore,
  terms: Parameters<LeaseStore['acquire']>[1],
  name = 'lease',
): Promise<number> {
  const answer = await leases.acquire(name, terms)
  assert.equal(answer.kind, 'acquired')
  return (answer as { fence: number }).fence
}

/** Allows up to 10 s less, because the time of a database continues meanwhile. */
async function refused(
  leases: LeaseStore,
  terms: Parameters<LeaseStore['acquire']>[1],
  expected: { freeInMs: number; dueInMs: number },
): Promise<void> {
  const answer = await leases.acquire('lease', terms)
  assert.ok(answer.kind === 'refused', 'it was not refused')
  for (const field of ['freeInMs', 'dueInMs'] as const) {
    const came = answer[field]
    isAbout(came, expected[field], `${field}: `)
  }
}

/** Allows up to 10 s less. */
function isAbout(came: number | undefined, most: number, what = ''): void {
  const isNear = came !== undefined && came <= most && came >= Math.max(0, most - 9_999)
  assert.ok(isNear, `${what}${came} where ${most} was expected`)
}
