import assert from 'node:assert/strict'
import { ErrJobExists } from '../queue/errors.ts'
import type { JobStore, NewJob } from '../queue/job-store.ts'
import type { UniqueKey } from '../queue/job.ts'
import {
  type JobStoreCases,
  again,
  atOnce,
  claim,
  claimOnly,
  done,
  expire,
  failed,
  got,
  idsOf,
  put,
  series,
} from './job-store-case.ts'
import { insert, outcomesOf } from './job-store-exists-cases.ts'

type Job = Partial<NewJob> & Pick<NewJob, 'id'>

/** A job that holds the key 'k', by default until it has ended. */
export function unique(id: string, until: UniqueKey['until'] = 'ended', given: Partial<NewJob> = {}): Job {
  return { id, unique: { key: 'k', until }, ...given }
}

/** @throws AssertionError unless a job with this id holds the key */
export async function assertHeldBy(store: JobStore, id: string): Promise<void> {
  assert.deepEqual(outcomesOf(await insert(store, { onExists: 'skip' }, unique('other'))), [`skipped ${id}`])
}

/** @throws AssertionError if the key is held; takes it for a job with this id */
export async function take(store: JobStore, id: string): Promise<void> {
  assert.deepEqual(outcomesOf(await insert(store, { onExists: 'skip' }, unique(id))), [`stored ${id}`])
}

/** Which job holds a unique key. */
export const uniqueCases: JobStoreCases = {
  'unique: a job whose key is held is refused, and nothing of its call stored': async ({ store }) => {
    await put(store, unique('1'))
    await assert.rejects(insert(store, {}, '2', unique('3')), (error) => {
      assert.ok(error instanceof ErrJobExists, String(error))
      assert.deepEqual([error.ids, [...error.keys]], [['1'], [['1', 'k']]])
      assert.match(error.message, /"1" with the unique key "k"/)
      return true
    })
    await assert.rejects(insert(store, {}, unique('3')), ErrJobExists)
    assert.equal(await store.get('2'), undefined)
    assert.equal(await store.get('3'), undefined)
    await assertHeldBy(store, '1')
  },

  'unique: get gives the key and until when it is held': async ({ store }) => {
    await put(store, unique('1', 'started'), { id: '2', unique: { key: 'other', until: 'ended' } }, '3')
    await claim(store)
    assert.deepEqual((await got(store, '1')).unique, { key: 'k', until: 'started' })
    assert.deepEqual((await got(store, '2')).unique, { key: 'other', until: 'ended' })
    assert.equal('unique' in (await got(store, '3')), false)
  },

  'unique: a key is held by kind, and awkward keys are keys like others': async ({ store }) => {
    const keys = ['k', 'k ', 'K', `{"a\\b",'c'}`, '__proto__', 'null', 'ä😀\u0001']
    const jobs = keys.flatMap((key, nth) =>
      ['a', 'b'].map((kind) => ({ id: `${kind}${nth}`, kind, unique: { key, until: 'ended' as const } })),
    )
    await put(store, ...jobs)
    const others = jobs.map((job) => ({ ...job, id: `other ${job.id}` }))
    const enqueued = await insert(store, { onExists: 'skip' }, ...others)
    assert.deepEqual(
      outcomesOf(enqueued),
      jobs.map(({ id }) => `skipped ${id}`),
    )
    assert.deepEqual((await got(store, 'b3')).unique!.key, keys[3])
  },

  'unique: until ended, a key is held while the job waits, runs and waits for a retry': async ({ store }) => {
    await put(store, unique('1'))
    await assertHeldBy(store, '1')
    const first = await claimOnly(store, '1')
    await assertHeldBy(store, '1')
    await store.settle([again(first)])
    await assertHeldBy(store, '1')
    await store.release([await claimOnly(store, '1')])
    await assertHeldBy(store, '1')
    await store.settle([done(await claimOnly(store, '1'))])
    await take(store, '2')
  },

  'unique: until ended, a key is free when its job has failed, also one of several': async ({ store }) => {
    await put(store, 'a', unique('1'), 'b')
    const jobs = await claim(store)
    await store.settle(jobs.map((job) => (job.id === '1' ? failed(job) : done(job))))
    await take(store, '2')
    await put(store, 'c')
    await store.settle((await claim(store)).map((job) => done(job)))
    await take(store, '3')
  },

  'unique: until ended, a lease that expires does not free the key': async (context) => {
    const { store } = context
    await put(store, unique('1'))
    await claimOnly(store, '1')
    await expire(context)
    await assertHeldBy(store, '1')
    await store.settle([done(await claimOnly(store, '1'))])
    await take(store, '2')
  },

  'unique: until started, the first claim frees the key for good': async ({ store }) => {
    await put(store, unique('1', 'started'))
    await assertHeldBy(store, '1')
    const first = await claimOnly(store, '1')
    await take(store, '2')
    await store.settle([again(first)])
    await assertHeldBy(store, '2')
    await store.cancel('2')
    await take(store, '3')
    const jobs = await claim(store)
    await store.settle(jobs.map((job) => done(job)))
    await put(store, unique('4', 'started'), 'plain', { id: 'large', payload: `"${'x'.repeat(2_000)}"` })
    assert.deepEqual(idsOf(await claim(store, { limit: 1 })), ['4'])
    await take(store, '5')
  },

  'unique: until started, the end of a job leaves the key to the one that has it': async ({ store }) => {
    await put(store, unique('1', 'started'))
    const first = await claimOnly(store, '1')
    await take(store, '2')
    await store.settle([done(first)])
    await assertHeldBy(store, '2')
  },

  'unique: a job cancelled while it waits frees its key': async ({ store }) => {
    await put(store, unique('1'))
    await store.cancel('1')
    await take(store, '2')
  },

  'unique: a job cancelled while it runs holds its key until its handler has ended': async (context) => {
    const { store } = context
    const ends = [
      async (): Promise<unknown> => store.settle([done(job)]),
      async (): Promise<unknown> => store.release([job]),
      async (): Promise<unknown> => expire(context),
    ]
    let job = undefined as never as Awaited<ReturnType<typeof claimOnly>>
    for (const [nth, end] of ends.entries()) {
      await put(store, unique(`${nth}`))
      job = await claimOnly(store, `${nth}`)
      await store.cancel(`${nth}`)
      await assertHeldBy(store, `${nth}`)
      assert.deepEqual(outcomesOf(await insert(store, { onExists: 'replace' }, unique('other'))), [
        `skipped ${nth}`,
      ])
      await end()
      await take(store, `next ${nth}`)
      await store.cancel(`next ${nth}`)
    }
  },

  'unique: a job that is removed frees its key, and its handler none that another took': async ({
    store,
  }) => {
    await put(store, unique('1'))
    const old = await claimOnly(store, '1')
    await store.cancel('1')
    await store.prune(0, 10)
    await take(store, '1')
    await store.settle([done(old)])
    await assertHeldBy(store, '1')
  },

  'unique: replace by key changes the job that waits, and not its id': async ({ store }) => {
    await put(store, unique('1', 'started', { payload: '"old"' }))
    const by = unique('2', 'ended', { payload: '"new"', priority: 2 })
    assert.deepEqual(outcomesOf(await insert(store, { onExists: 'replace' }, by)), ['replaced 1'])
    const { payload, priority, unique: key } = await got(store, '1')
    assert.deepEqual([payload, priority, key], ['new', 2, { key: 'k', until: 'started' }])
    assert.equal(await store.get('2'), undefined)
    await claimOnly(store, '1')
    await take(store, '3')
  },

  'unique: replace skips the job that holds the key and runs': async ({ store }) => {
    await put(store, unique('1'))
    await claimOnly(store, '1')
    assert.deepEqual(outcomesOf(await insert(store, { onExists: 'replace' }, unique('2'))), ['skipped 1'])
  },

  'unique: what the stored job said about the end of its hold counts': async ({ store }) => {
    await put(store, unique('1', 'ended'))
    await insert(store, { onExists: 'replace' }, unique('2', 'started'))
    const job = await claimOnly(store, '1')
    assert.deepEqual(outcomesOf(await insert(store, { onExists: 'replace' }, unique('2', 'started'))), [
      'skipped 1',
    ])
    await store.settle([done(job)])
    await take(store, '3')
  },

  'unique: if a job with the id and one with the key are there, the id decides': async ({ store }) => {
    await put(store, unique('1'), '2')
    const by = unique('2', 'ended', { payload: '"new"' })
    assert.deepEqual(outcomesOf(await insert(store, { onExists: 'replace' }, by)), ['replaced 2'])
    assert.deepEqual([(await got(store, '1')).payload, (await got(store, '2')).payload], [null, 'new'])
    assert.deepEqual(outcomesOf(await insert(store, { onExists: 'skip' }, by)), ['skipped 2'])
    await assert.rejects(insert(store, {}, by), (error) => {
      assert.ok(error instanceof ErrJobExists)
      assert.deepEqual([error.ids, error.keys.size], [['2'], 0])
      return true
    })
    await store.cancel('1')
    await take(store, '3')
  },

  'unique: of jobs of one call with one key the first is stored': async ({ store }) => {
    const jobs = ['9', '1', '5'].map((id) => unique(id, 'ended', { payload: id }))
    assert.deepEqual(outcomesOf(await insert(store, { onExists: 'skip' }, ...jobs)), [
      'stored 9',
      'skipped 9',
      'skipped 9',
    ])
    await store.cancel('9')
    const others = jobs.map((job) => ({ ...job, id: `other ${job.id}` }))
    const replaced = await insert(store, { onExists: 'replace' }, ...others)
    assert.deepEqual(outcomesOf(replaced), ['stored other 9', 'replaced other 9', 'replaced other 9'])
    assert.equal((await got(store, 'other 9')).payload, 5)
    await assert.rejects(
      insert(store, {}, unique('x', 'ended', { kind: 'b' }), unique('y', 'ended', { kind: 'b' })),
      ErrJobExists,
    )
    assert.equal(await store.get('x'), undefined)
  },

  'unique: of concurrent calls with one key one stores its job': async ({ store }) => {
    const ids = series('', 20)
    const enqueued = await atOnce(ids.map((id) => insert(store, { onExists: 'skip' }, unique(id))))
    const [winner, ...more] = enqueued.flat().filter(({ outcome }) => outcome === 'stored')
    assert.deepEqual(more, [])
    assert.deepEqual(new Set(idsOf(enqueued.flat())), new Set([winner!.id]))
    const refused = await Promise.allSettled(ids.map((id) => insert(store, {}, unique(`other ${id}`))))
    assert.ok(refused.every(({ status }) => status === 'rejected'))
    assert.deepEqual(idsOf(await claim(store)), [winner!.id])
  },

  'unique: concurrent calls of several jobs, some of them refused, store theirs or nothing': async ({
    store,
  }) => {
    const calls = series('call ', 12).map((call) => insert(store, {}, { id: `${call} first` }, unique(call)))
    const results = await Promise.allSettled(calls)
    const stored = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
    assert.equal(stored.length, 2)
    assert.deepEqual(new Set(idsOf(await claim(store))), new Set(idsOf(stored)))
  },

  'unique: thousands of jobs with keys are stored in one call, and are claimed in their order': async ({
    store,
  }) => {
    const jobs = series('', 6_000).map((id): Job => ({ id, unique: { key: `k${id}`, until: 'started' } }))
    await insert(store, {}, ...jobs)
    const others = jobs.map((job) => ({ ...job, id: `other ${job.id}` }))
    await assert.rejects(insert(store, {}, { id: 'new' }, ...others), ErrJobExists)
    assert.equal(await store.get('new'), undefined)
    assert.deepEqual(idsOf(await claim(store, { limit: 7_000 })), idsOf(jobs))
    await insert(store, {}, ...others)
  },

  'unique: a payload encoded for another job than the one that is there is not stored': async ({ store }) => {
    await put(store, unique('1', 'started', { payload: '"old"' }))
    const by = { ...unique('2', 'started', { payload: '"for 2"' }), encodedFor: '2' }
    const named = (error: unknown): boolean => {
      assert.deepEqual([...(error as { ids: ReadonlyMap<number, string> }).ids], [[1, '1']])
      return true
    }
    await assert.rejects(insert(store, { onExists: 'replace' }, { id: 'new' }, by), named)
    assert.equal(await store.get('new'), undefined)
    assert.equal((await got(store, '1')).payload, 'old')
    const right = { ...by, payload: '"for 1"', encodedFor: '1' }
    assert.deepEqual(outcomesOf(await insert(store, { onExists: 'replace' }, right)), ['replaced 1'])
    await claimOnly(store, '1')
    await assert.rejects(insert(store, { onExists: 'replace' }, right), (error) => {
      assert.deepEqual([...(error as { ids: ReadonlyMap<number, string> }).ids], [[0, '2']])
      return true
    })
    await take(store, '2')
  },
}
