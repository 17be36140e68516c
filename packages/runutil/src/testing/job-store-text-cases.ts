import assert from 'node:assert/strict'
import type { JobStore } from '../queue/job-store.ts'
import {
  type JobStoreCases,
  claim,
  done,
  failed,
  got,
  idsOf,
  limitTo,
  newJob,
  put,
} from './job-store-case.ts'

/** Texts with a meaning in SQL, in array literals, in JSON or in patterns, and texts that are hard to encode. */
const AWKWARD = [
  `it's "quoted"`,
  '{a,b}',
  'back\\slash\\',
  'NULL',
  'a,b;c',
  "'; drop table jobs; --",
  '%_*?$1 $2 ?',
  'über 日本語 🎉 \u{10ffff}',
  'tab\tand\nline\r\nend',
  '__proto__',
  'constructor',
  '\u0001\u007f\u00a0x',
  '(1,2)',
  '["x"]',
  'x'.repeat(200),
]

const PAYLOADS: readonly unknown[] = [
  ...AWKWARD,
  null,
  true,
  false,
  '',
  ' ',
  'null',
  '{}',
  {},
  [],
  [[]],
  [null],
  { '': { '': '' } },
  0,
  -1,
  1.5,
  1e300,
  5e-324,
  -1e-7,
  2 ** 53,
  Number.MAX_VALUE,
  { nested: [{ a: [1, [2, [3, { b: null }]]] }], ['it\'s {"a"}, \\']: 'ü' },
  JSON.parse('{"__proto__":{"a":1},"constructor":2}') as unknown,
  'NUL \0 in a text',
  'half of a pair \ud83c',
  'long '.repeat(50_000),
]

export const textCases: JobStoreCases = {
  'text: a payload comes back as it went in': async ({ store }) => {
    await store.insert(PAYLOADS.map((value, at) => newJob({ id: `${at}`, payload: JSON.stringify(value) })))
    const jobs = await claim(store)
    for (const [at, value] of PAYLOADS.entries()) {
      assert.deepEqual(jobs[at]!.payload, value)
      assert.deepEqual((await got(store, `${at}`)).payload, value)
    }
  },

  'text: a result comes back as it went in': async ({ store }) => {
    await put(store, ...PAYLOADS.map((_, at) => `${at}`))
    const jobs = await claim(store)
    await store.settle(jobs.map((job, at) => done(job, JSON.stringify(PAYLOADS[at]))))
    for (const [at, value] of PAYLOADS.entries()) {
      assert.deepEqual((await got(store, `${at}`)).result, value)
    }
  },

  'text: an error comes back as it went in': async ({ store }) => {
    const texts = [...AWKWARD, '', 'long '.repeat(2_000)]
    await put(store, ...texts.map((_, at) => `${at}`))
    const jobs = await claim(store)
    await store.settle(jobs.map((job, at) => failed(job, texts[at])))
    for (const [at, text] of texts.entries()) assert.equal((await got(store, `${at}`)).lastError, text)
  },

  'text: any id, kind and key is taken literally': async ({ store }) => {
    await store.insert(AWKWARD.map((text) => newJob({ id: text, kind: text, key: text })))
    for (const text of AWKWARD) {
      const jobs = await claim(store, { kinds: [text] })
      assert.deepEqual(
        jobs.map(({ id, kind, key }) => ({ id, kind, key })),
        [{ id: text, kind: text, key: text }],
      )
    }
    await checkLifeOf(AWKWARD, store)
  },

  'text: counts take any kind literally': async ({ store }) => {
    await store.insert(AWKWARD.map((text) => newJob({ id: text, kind: text })))
    const counts = await store.counts()
    assert.deepEqual(Object.keys(counts).sort(), [...AWKWARD].sort())
    for (const text of AWKWARD) {
      assert.deepEqual(Object.getOwnPropertyDescriptor(counts, text)?.value, {
        PENDING: 1,
        RUNNING: 0,
        DONE: 0,
        FAILED: 0,
        PANIC: 0,
      })
    }
    assert.equal(({} as { PENDING?: unknown }).PENDING, undefined)
  },

  'text: limits take any kind and key literally': async ({ store }) => {
    for (const text of AWKWARD) await limitTo(store, { keyConcurrency: 1 }, text)
    const jobs = AWKWARD.flatMap((text) => [1, 2].map((n) => newJob({ id: text + n, kind: text, key: text })))
    await store.insert(jobs)
    const claimed = await claim(store, { kinds: AWKWARD })
    assert.deepEqual(idsOf(claimed).sort(), AWKWARD.map((text) => `${text}1`).sort())
  },

  'text: kinds and ids are case-sensitive, and spaces count': async ({ store }) => {
    await put(store, { id: 'x', kind: 'a' }, { id: 'X', kind: 'A' }, { id: 'x ', kind: 'a ' })
    assert.deepEqual(idsOf(await claim(store, { kinds: ['A'] })), ['X'])
    assert.deepEqual(idsOf(await claim(store, { kinds: ['a '] })), ['x '])
  },
}

/** Renews, settles, finds and cancels jobs with these ids. */
async function checkLifeOf(ids: readonly string[], store: JobStore): Promise<void> {
  await store.insert(ids.map((id) => newJob({ id: `${id}'`, kind: 'a' })))
  const jobs = await claim(store)
  assert.deepEqual(await store.renew(jobs, '1m'), [])
  const [first, ...rest] = jobs
  assert.deepEqual(await store.settle(rest.map((job) => done(job))), [])
  await store.release([first!])
  assert.equal(await store.retryNow(first!.id), true)
  assert.equal(await store.cancel(first!.id), true)
  for (const { id } of rest) assert.equal((await got(store, id)).status, 'DONE')
}
