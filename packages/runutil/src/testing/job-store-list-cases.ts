import assert from 'node:assert/strict'
import type { JobQuery } from '../queue/job-query.ts'
import { parseQuery } from '../queue/parse-query.ts'
import type { JobStore } from '../queue/job-store.ts'
import type { QueuedJob } from '../queue/job.ts'
import {
  type JobStoreCases,
  again,
  claim,
  claimOnly,
  done,
  failed,
  got,
  held,
  idsOf,
  later,
  put,
  series,
  settlement,
} from './job-store-case.ts'

/** All jobs that a query finds, by pages of this many. */
async function listed(store: JobStore, query: JobQuery = {}, limit = 100): Promise<QueuedJob[]> {
  const parsed = parseQuery(query, 'list')
  const jobs: QueuedJob[] = []
  let after: string | undefined
  do {
    const page = await store.list(parsed, { limit, after })
    assert.ok(page.jobs.length <= limit, `expected at most ${limit} jobs; got ${page.jobs.length}`)
    jobs.push(...page.jobs)
    after = page.next
  } while (after !== undefined)
  return jobs
}

async function listedIds(store: JobStore, query?: JobQuery, limit?: number): Promise<string[]> {
  return idsOf(await listed(store, query, limit))
}

export const listCases: JobStoreCases = {
  'list: the newest first, by insertion, whatever has become of them': async ({ store, clock }) => {
    await put(store, 'c', 'a', { id: 'b', runAt: later(clock, 1e6), priority: 9 })
    await put(store, { id: 'z', kind: 'b' })
    const [c, a] = await claim(store)
    await store.settle([done(c!), failed(a!)])
    await put(store, 'd')
    assert.deepEqual(await listedIds(store), ['d', 'z', 'b', 'a', 'c'])
  },

  'list: in pages of any size, each job once': async ({ store }) => {
    await put(store, ...series('a', 7))
    await put(store, ...series('b', 250))
    const all = await listedIds(store)
    assert.deepEqual(all, [...series('a', 7), ...series('b', 250)].reverse())
    for (const limit of [1, 7, 100, 257, 1_000]) assert.deepEqual(await listedIds(store, {}, limit), all)
  },

  'list: a page is not changed by jobs that come or end meanwhile': async ({ store }) => {
    await put(store, ...series('', 5))
    const query = parseQuery({}, 'list')
    const first = await store.list(query, { limit: 2, after: undefined })
    assert.deepEqual(idsOf(first.jobs), ['5', '4'])
    await put(store, '6')
    await store.settle((await claim(store)).map((job) => done(job)))
    const second = await store.list(query, { limit: 2, after: first.next })
    assert.deepEqual(idsOf(second.jobs), ['3', '2'])
    const last = await store.list(query, { limit: 2, after: second.next })
    assert.deepEqual([idsOf(last.jobs), last.next], [['1'], undefined])
  },

  'list: jobs as get gives them': async ({ store }) => {
    const first = await held(store, '1')
    await store.settle([again(first, { lastError: 'no' })])
    await store.settle([done(await claimOnly(store, '1'), '{"a":1}')])
    await put(store, { id: '2', payload: '[2]', key: 'k', priority: 3 })
    assert.deepEqual(await listed(store), [await got(store, '2'), await got(store, '1')])
  },

  'listSummaries: the pages of list, without payloads, results and errors': async ({ store, clock }) => {
    await put(store, { id: '1', payload: '[1]', key: 'k', priority: 3 }, '2')
    await put(store, { id: '3', after: { ids: ['2'], on: 'done' }, unique: { key: 'u', until: 'ended' } })
    const [one, two] = await claim(store)
    await store.settle([done(one!, '{"a":1}'), again(two!, { lastError: 'no', delayMs: 60_000 })])
    const queries: JobQuery[] = [
      {},
      { status: 'PENDING' },
      { status: 'DONE', endedAt: { lte: later(clock, 0) } },
    ]
    for (const query of queries.map((given) => parseQuery(given, 'list'))) {
      for (let after: string | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
        const page = await store.list(query, { limit: 2, after })
        const summaries = page.jobs.map(summaryOf)
        assert.deepEqual(await store.listSummaries(query, { limit: 2, after }), { ...page, jobs: summaries })
        after = page.next
      }
    }
  },

  'listSummaries: the first 2,000 characters of an error, in whole ones': async ({ store }) => {
    const texts = ['short\nof two lines', 'x'.repeat(2_001), '🎉'.repeat(2_001)]
    await put(store, ...texts.map((_, at) => String(at)))
    const jobs = await claim(store)
    await store.settle(jobs.map((job) => failed(job, texts[Number(job.id)])))
    const page = { limit: 10, after: undefined }
    const summaries = (await store.listSummaries(parseQuery({}, 'list'), page)).jobs
    assert.deepEqual(
      summaries.map(({ lastError }) => lastError),
      ['🎉'.repeat(2_000), 'x'.repeat(2_000), texts[0]],
    )
  },

  'list: by kind, key, and how the id begins': async ({ store }) => {
    await put(
      store,
      'a1',
      { id: 'a_2', kind: 'b', key: 'k' },
      { id: 'a%3', key: 'k' },
      { id: 'b4', key: 'l' },
    )
    const finds: [JobQuery, string[]][] = [
      [{ kind: ' A ' }, ['b4', 'a%3', 'a1']],
      [{ key: 'k' }, ['a%3', 'a_2']],
      [{ kind: 'b', key: 'k' }, ['a_2']],
      [{ idPrefix: 'a' }, ['a%3', 'a_2', 'a1']],
      [{ idPrefix: 'a_' }, ['a_2']],
      [{ idPrefix: 'a%' }, ['a%3']],
      [{ idPrefix: 'a1' }, ['a1']],
      [{ idPrefix: 'a11' }, []],
      [{ kind: 'c' }, []],
    ]
    for (const [query, ids] of finds)
      assert.deepEqual(await listedIds(store, query), ids, JSON.stringify(query))
  },

  'list: PENDING jobs by where they are': async ({ store, clock }) => {
    await put(store, 'running', 'retried')
    await put(store, 'done', 'released', 'failed')
    const jobs = new Map((await claim(store)).map((job) => [job.id, job]))
    await store.settle([done(jobs.get('done')!), failed(jobs.get('failed')!)])
    await store.settle([again(jobs.get('retried')!, { delayMs: 60_000 })])
    await store.release([jobs.get('released')!])
    await put(store, { id: 'later', runAt: later(clock, 60_000) })
    assert.deepEqual(await listedIds(store, { status: 'WAITING' }), ['later', 'released', 'retried'])
    assert.deepEqual(await listedIds(store, { status: 'RUNNING' }), ['running'])
    assert.deepEqual(await listedIds(store, { status: 'BLOCKED' }), [])
    const pending = ['later', 'released', 'retried', 'running']
    assert.deepEqual(await listedIds(store, { status: 'PENDING' }), pending)
    assert.deepEqual(await listedIds(store, { status: 'PENDING' }, 1), pending)
    assert.deepEqual(await listedIds(store, { status: 'WAITING', kind: 'b' }), [])
  },

  'list: jobs enqueued by the hundred, while some run and one is cancelled': async ({ store }) => {
    await put(store, ...series('', 300))
    await claim(store, { limit: 120 })
    await store.cancel('200')
    await store.cancel('7')
    const ids = series('', 300).reverse()
    assert.deepEqual(
      await listedIds(store, { status: 'WAITING' }),
      ids.slice(0, 180).filter((id) => id !== '200'),
    )
    assert.deepEqual(
      await listedIds(store, { status: 'RUNNING' }, 50),
      ids.slice(180).filter((id) => id !== '7'),
    )
    assert.deepEqual(await listedIds(store, { status: 'FAILED' }), ['7', '200'].sort().reverse())
  },

  'list: ended jobs by their ends, those of one time by their ids': async ({ store, clock }) => {
    await put(store, ...series('', 9))
    const jobs = await claim(store)
    const ends = [4, 8, 1, 2].map((at) => jobs[at - 1]!)
    for (const job of ends) {
      await clock.advance(10)
      await store.settle([failed(job)])
    }
    await clock.advance(10)
    await store.settle([failed(jobs[2]!), failed(jobs[4]!), failed(jobs[6]!)])
    await clock.advance(10)
    await store.settle([done(jobs[8]!), settlement(jobs[5]!, { status: 'PANIC', lastError: 'panic: no' })])
    const ids = ['7', '5', '3', '2', '1', '8', '4']
    for (const limit of [1, 2, 7, 100]) {
      assert.deepEqual(await listedIds(store, { status: 'FAILED' }, limit), ids)
      assert.deepEqual(await listedIds(store, { status: 'FAILED', kind: 'a' }, limit), ids)
    }
    assert.deepEqual(await listedIds(store, { status: 'FAILED', kind: 'b' }), [])
    assert.deepEqual(await listedIds(store, { status: 'PANIC' }), ['6'])
  },

  'list: DONE jobs of a range of ends': async ({ store, clock }) => {
    const start = clock.now()
    await put(store, ...series('', 9))
    for (const job of await claim(store)) {
      await clock.advance(1_000)
      await store.settle([done(job)])
    }
    const at = (seconds: number): Date => new Date(start + seconds * 1_000)
    const ends = (endedAt: JobQuery['endedAt'], limit?: number): Promise<string[]> =>
      listedIds(store, { status: 'DONE', endedAt }, limit)
    assert.deepEqual(await ends({ gte: at(0) }), series('', 9).reverse())
    assert.deepEqual(await ends({ gte: at(3), lte: at(6) }, 3), ['6', '5', '4', '3'])
    assert.deepEqual(await ends({ gt: at(3), lt: at(6) }, 1), ['5', '4'])
    assert.deepEqual(await ends({ lt: at(3) }, 1), ['2', '1'])
    assert.deepEqual(await ends({ gt: at(9) }), [])
    const ofAnyTime = [new Date(-8.64e15), new Date(8.64e15)] as const
    assert.deepEqual(await ends({ gt: ofAnyTime[0], lt: ofAnyTime[1] }, 9), series('', 9).reverse())
    assert.deepEqual(await ends({ gte: ofAnyTime[0], lte: ofAnyTime[1] }, 9), series('', 9).reverse())
  },

  'list: by ranges of times': async ({ store, clock }) => {
    const start = clock.now()
    await put(store, 'a', { id: 'b', runAt: later(clock, 5_000) })
    await clock.advance(1_000)
    await put(store, 'c')
    await store.settle([failed(await claimFirst(store))])
    const at = (seconds: number): Date => new Date(start + seconds * 1_000)
    assert.deepEqual(await listedIds(store, { createdAt: { lt: at(1) } }), ['b', 'a'])
    assert.deepEqual(await listedIds(store, { createdAt: { gte: at(1) } }), ['c'])
    assert.deepEqual(await listedIds(store, { runAt: { gt: at(1), lte: at(5) } }), ['b'])
    assert.deepEqual(await listedIds(store, { endedAt: { lte: at(1) } }), ['a'])
    assert.deepEqual(await listedIds(store, { endedAt: { gt: at(1) } }), [])
    assert.deepEqual(await listedIds(store, { status: 'FAILED', endedAt: { gte: at(1) } }), ['a'])
    assert.deepEqual(await listedIds(store, { status: 'FAILED', endedAt: { gt: at(1) } }), [])
  },

  'list: by what the error contains': async ({ store }) => {
    await put(store, '1', '2', '3', '4')
    const [one, two, three] = await claim(store)
    await store.settle([
      failed(one!, 'connect ECONNREFUSED 10.0.0.1'),
      failed(two!, '100% of the connections'),
      again(three!, { lastError: 'connect ETIMEDOUT' }),
    ])
    assert.deepEqual(await listedIds(store, { kind: 'a', error: { contains: 'connect ' } }), ['3', '1'])
    assert.deepEqual(await listedIds(store, { kind: 'a', error: { contains: '0% of' } }), ['2'])
    assert.deepEqual(
      await listedIds(store, { kind: 'a', status: 'FAILED', error: { contains: 'connect' } }, 1),
      ['2', '1'],
    )
    assert.deepEqual(await listedIds(store, { kind: 'b', error: { contains: 'connect' } }), [])
  },

  'list: a job that was removed is not listed, nor one that failed before it with its id': async ({
    store,
  }) => {
    const first = await held(store, '1')
    await store.settle([failed(first)])
    assert.equal(await store.prune(0, 10), 1)
    assert.deepEqual(await listedIds(store), [])
    assert.deepEqual(await listedIds(store, { status: 'FAILED' }), [])
    await put(store, '1')
    assert.deepEqual(await listedIds(store, { status: 'FAILED' }), [])
    await store.cancel('1')
    assert.deepEqual(await listedIds(store, { status: 'FAILED' }), ['1'])
  },
}

function summaryOf(job: QueuedJob): object {
  return Object.fromEntries(
    Object.entries(job).filter(([name]) => !['payload', 'result', 'errors'].includes(name)),
  )
}

async function claimFirst(store: JobStore) {
  const [first] = await claim(store, { limit: 1 })
  return first!
}
