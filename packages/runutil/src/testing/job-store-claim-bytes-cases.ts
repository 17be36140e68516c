import assert from 'node:assert/strict'
import type { NewJob } from '../queue/job-store.ts'
import { type JobStoreCases, again, claim, claimOnly, expire, idsOf, limitTo, put } from './job-store-case.ts'

/** A job with a payload of that many bytes. */
function sized(id: string, bytes: number, given: Partial<NewJob> = {}): Partial<NewJob> & { id: string } {
  return { id, payload: `"${'x'.repeat(bytes - 2)}"`, ...given }
}

export const claimBytesCases: JobStoreCases = {
  'bytes: a claimed job has the size of its payload if that is large': async ({ store }) => {
    await put(store, sized('1', 512), sized('2', 513), { id: '3', payload: `"${'ä'.repeat(1_000)}"` })
    const jobs = await claim(store)
    assert.deepEqual(
      jobs.map(({ payloadBytes }) => payloadBytes),
      [undefined, 513, 2_002],
    )
  },

  'bytes: a claim takes the jobs that fit, in their order, and reports that it left some': async ({
    store,
  }) => {
    await put(store, sized('1', 4_000), '2', sized('3', 4_000), sized('4', 4_000), '5')
    let heldBack = 0
    const onHeldBack = (): void => void heldBack++
    assert.deepEqual(idsOf(await claim(store, { maxBytes: 8_000, onHeldBack })), ['1', '2', '3'])
    assert.equal(heldBack, 1)
    assert.deepEqual(idsOf(await claim(store, { maxBytes: 8_000, onHeldBack })), ['4', '5'])
    assert.equal(heldBack, 1)
  },

  'bytes: a job that does not fit is claimed alone, or not at all': async ({ store }) => {
    await put(store, sized('1', 9_000), sized('2', 9_000), '3')
    assert.deepEqual(await claim(store, { maxBytes: 8_000, orOne: false }), [])
    assert.deepEqual(idsOf(await claim(store, { maxBytes: 8_000 })), ['1'])
    assert.deepEqual(idsOf(await claim(store, { maxBytes: 0, orOne: true })), ['2'])
    assert.deepEqual(idsOf(await claim(store, { maxBytes: 0, orOne: false })), ['3'])
  },

  'bytes: the limit holds across kinds, and nothing is reported when no job was left': async ({ store }) => {
    await limitTo(store, { concurrency: 3 }, 'b')
    await put(store, sized('1', 4_000), sized('2', 4_000, { kind: 'b' }), sized('3', 4_000, { kind: 'c' }))
    const onHeldBack = (): void => assert.fail('reported as held back')
    const kinds = ['a', 'b', 'c']
    assert.deepEqual(idsOf(await claim(store, { kinds, maxBytes: 9_000 })), ['1', '2'])
    assert.deepEqual(idsOf(await claim(store, { kinds, maxBytes: 9_000, onHeldBack })), ['3'])
    assert.deepEqual(await claim(store, { kinds, maxBytes: 0, orOne: false, onHeldBack }), [])
  },

  'bytes: a job that waits again counts as before': async (context) => {
    const { store, clock } = context
    await put(store, ...['1', '2', '3', '4'].map((id) => sized(id, 4_000)))
    const [first, second] = await claim(store, { limit: 2 })
    await store.settle([again(first!, { delayMs: 60_000 })])
    await store.release([second!])
    await claim(store, { limit: 1 })
    await claim(store, { limit: 1 })
    await store.retryNow('1')
    await expire(context)
    await clock.advance('1s')
    for (const id of ['1', '2', '3', '4']) {
      assert.deepEqual(idsOf(await claim(store, { maxBytes: 4_000 })), [id])
    }
    await put(store, '5')
    await claimOnly(store, '5')
  },
}
