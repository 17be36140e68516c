import assert from 'node:assert/strict'
import {
  type JobStoreCases,
  LEASE_MS,
  again,
  claim,
  claimOnly,
  done,
  got,
  held,
  idsOf,
  put,
} from './job-store-case.ts'

export const leaseCases: JobStoreCases = {
  'lease: a job whose lease has expired is ready again, with one more crash': async ({ store, clock }) => {
    const first = await held(store, '1')
    await clock.advance(LEASE_MS - 1)
    assert.deepEqual(await claim(store), [])
    await clock.advance(2)
    const second = await claimOnly(store, '1')
    assert.deepEqual([first.crashes, second.crashes, second.attemptsDone], [0, 1, 0])
    assert.ok(second.claim > first.claim)
    await clock.advance(LEASE_MS + 1)
    assert.equal((await claimOnly(store, '1')).crashes, 2)
  },

  'lease: each claim has its own lease': async ({ store, clock }) => {
    await put(store, '1', '2')
    await claim(store, { limit: 1, lease: '1s' })
    await claim(store, { limit: 1, lease: '1m' })
    await clock.advance(1_001)
    assert.deepEqual(idsOf(await claim(store)), ['1'])
    await clock.advance('1m')
    assert.deepEqual(idsOf(await claim(store)).sort(), ['1', '2'])
  },

  'lease: a renewal stores the progress of some of its jobs': async ({ store, clock }) => {
    await put(store, '1', '2', '3')
    const jobs = await claim(store)
    const [first, second, third] = jobs
    const at = new Date(clock.now())
    const progress = { done: 1, total: 2.5, note: 'half \u0000 "way"', at }
    assert.deepEqual(await store.renew(jobs, LEASE_MS, new Map([[second!, progress]])), [])
    const stored = await Promise.all(['1', '2', '3'].map(async (id) => (await got(store, id)).progress))
    assert.deepEqual(stored, [undefined, progress, undefined])
    const next = { done: 2, at }
    const reports = new Map([
      [first!, next],
      [second!, next],
      [third!, next],
    ])
    await store.settle([done(first!)])
    assert.deepEqual(await store.renew(jobs, LEASE_MS, reports), [first])
    assert.deepEqual(await store.renew(jobs.slice(1), LEASE_MS), [])
    await store.settle([done(second!), again(third!)])
    assert.deepEqual((await got(store, '1')).progress, undefined)
    assert.deepEqual((await got(store, '2')).progress, next)
    assert.deepEqual((await got(store, '3')).progress, next)
    assert.ok(!('progress' in (await claimOnly(store, '3'))))
    await clock.advance(1)
    assert.equal(await store.prune(0, 10), 2)
    await put(store, '2')
    assert.deepEqual((await got(store, '2')).progress, undefined)
  },

  'lease: expires for any kind and key': async ({ store, clock }) => {
    await put(store, { id: '1', key: 'x' }, { id: '2', kind: 'b', priority: 3 })
    await claim(store, { kinds: ['a', 'b'] })
    await clock.advance(LEASE_MS + 1)
    const jobs = await claim(store, { kinds: ['a', 'b'] })
    assert.deepEqual(
      jobs.map(({ id, crashes, key, priority }) => [id, crashes, key, priority]),
      [
        ['2', 1, undefined, 3],
        ['1', 1, 'x', 0],
      ],
    )
  },

  'lease: an ended job has no lease that could expire': async ({ store, clock }) => {
    await store.settle([done(await held(store, '1'))])
    await clock.advance('1d')
    assert.deepEqual(await claim(store), [])
    assert.equal((await got(store, '1')).status, 'DONE')
  },

  'lease: a job that waits for a retry, or was released, has no lease': async ({ store, clock }) => {
    await put(store, '1', '2')
    const [first, second] = await claim(store)
    await store.settle([again(first!)])
    await store.release([second!])
    await clock.advance(LEASE_MS + 1)
    assert.deepEqual(
      (await claim(store)).map(({ crashes }) => crashes),
      [0, 0],
    )
  },

  'renew: extends a lease from then on, any number of times': async ({ store, clock }) => {
    const job = await held(store, '1')
    for (let round = 0; round < 5; round++) {
      await clock.advance(LEASE_MS - 1)
      assert.deepEqual(await store.renew([job], LEASE_MS), [])
      assert.deepEqual(await claim(store), [])
    }
    assert.deepEqual(await store.settle([done(job)]), [])
  },

  'renew: may give a longer lease, which expires in turn': async ({ store, clock }) => {
    const job = await held(store, '1')
    assert.deepEqual(await store.renew([job], '1h'), [])
    await clock.advance('59m')
    assert.deepEqual(await claim(store), [])
    await clock.advance('2m')
    await claimOnly(store, '1')
  },

  'renew: the lost jobs of a batch are returned, the others renewed': async (context) => {
    const { store, clock } = context
    await put(store, '1', '2', '3', '4', '5')
    const jobs = await claim(store)
    const [ended, retried, released, cancelled, kept] = jobs
    await store.settle([done(ended!), again(retried!, { delayMs: 3_600_000 })])
    await store.release([released!])
    await store.cancel(cancelled!.id)
    await clock.advance(LEASE_MS - 1)
    const unknown = { id: 'nobody', claim: kept!.claim }
    const lost = await store.renew([...jobs, unknown], LEASE_MS)
    assert.deepEqual(idsOf(lost).sort(), ['1', '2', '3', '4', 'nobody'])
    await clock.advance(LEASE_MS - 1)
    assert.deepEqual(idsOf(await claim(store)), ['3'])
    assert.deepEqual(await store.settle([done(kept!)]), [])
  },

  'renew: an older claim is lost, and nothing changes for the newer one': async ({ store, clock }) => {
    const stale = await held(store, '1')
    await clock.advance(LEASE_MS + 1)
    await claimOnly(store, '1')
    assert.deepEqual(await store.renew([stale], '1h'), [stale])
    await clock.advance(LEASE_MS + 1)
    assert.equal((await claimOnly(store, '1')).crashes, 2)
  },

  'renew: returns the objects that it was given, and claims nothing for an empty list': async ({ store }) => {
    const stranger = { id: 'nobody', claim: 1, mine: true }
    const [lost] = await store.renew([stranger], LEASE_MS)
    assert.equal(lost, stranger)
    assert.deepEqual(await store.renew([], LEASE_MS), [])
  },
}
