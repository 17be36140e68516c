import { Runtime, runAllWorkers } from 'runutil'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { expect, test } from 'vitest'
import { MetricFamily } from '../../packages/runutil/src/prometheus/metric-family.ts'
import { Scrapes } from '../../packages/runutil/src/prometheus/scrapes.ts'
import { Context, newScope, withContext } from '../../packages/runutil/src/core/context.ts'
import { capturedLogger } from '../support/logs.ts'
import { parseExposition, valueOf } from '../support/prometheus/parse-exposition.ts'

const KINDS = Array.from({ length: 200 }, (_, at) => `kind-${at}`)
/** Of a series of a histogram: a bucket for each of 12 bounds and for all, a sum and a count. */
const LINES = 15

/** A worker of 200 kinds, one attempt at a job of each, and how many lines a scrape writes anew. */
async function scraped() {
  const clock = new VirtualClock()
  const queue = new JobQueue(new MemoryJobStore({ clock }))
  const worker = new QueueWorker(queue, { concurrency: 100, attempts: 1 })
  for (const kind of KINDS) {
    worker.register(kind, ({ payload }) => {
      if (payload === 'fail') throw new Error('no')
    })
  }
  const stop = new AbortController()
  const { logger } = capturedLogger()
  const runtime = new Runtime()
  const run = runAllWorkers([{ name: 'Jobs', worker }], stop.signal, { clock, logger, runtime })
  const work = async (...jobs: { kind: string; payload?: string }[]): Promise<void> => {
    await queue.enqueue(jobs)
    // Until none is left, and the answer of the store isn't shared any more.
    await clock.advance(5_000)
  }
  await work(...KINDS.map((kind) => ({ kind })))
  const scrapes = new Scrapes({ queue })
  const scrape = async () => {
    const before = scrapes.linesWritten
    const context = new Context(newScope({ clock }), '')
    const text = (await withContext(context, () => scrapes.pieces(runtime))).join('')
    return { text, lines: text.split('\n').length - 1, written: scrapes.linesWritten - before }
  }
  const end = async (): Promise<void> => {
    stop.abort()
    await clock.advance(5_000)
    await run
  }
  return { queue, work, scrape, end }
}

test('a scrape writes anew only the lines of series that have changed', async () => {
  const { work, scrape, end } = await scraped()
  const first = await scrape()
  const headers = first.text.match(/^#/gm)!.length
  expect(first.lines).toBeGreaterThan(KINDS.length * 5 * LINES)
  expect(first.written).toBe(first.lines - headers)
  const second = await scrape()
  expect(second).toEqual({ ...first, written: 0 })
  // An attempt: how long it took, by its outcome, and how long the job waited.
  await work({ kind: 'kind-7' })
  expect((await scrape()).written).toBe(2 * LINES)
  await work({ kind: 'kind-7', payload: 'fail' }, { kind: 'kind-9', payload: 'fail' })
  const third = await scrape()
  // And of each kind, how many have failed.
  expect(third.written).toBe(4 * LINES + 2)
  const metrics = parseExposition(third.text)
  const done = { kind: 'kind-7', outcome: 'done' }
  expect(valueOf(metrics, 'runutil_job_duration_seconds_count', done)).toBe(2)
  expect(valueOf(metrics, 'runutil_job_duration_seconds_count', { kind: 'kind-9', outcome: 'failed' })).toBe(
    1,
  )
  expect(valueOf(metrics, 'runutil_job_wait_seconds_count', { kind: 'kind-9' })).toBe(2)
  await end()
})

test('what is kept is what was in the last scrape', () => {
  const family = new MetricFamily({ name: 'jobs', type: 'gauge', help: 'Jobs', labels: ['kind'] })
  for (let scrape = 0; scrape < 10; scrape++) {
    for (let at = 0; at < 100; at++) family.set(at, `kind-${scrape}-${at}`)
    family.set(1, 'lasting')
    family.pieces()
  }
  expect(family.size).toBe(101)
  // The one that was there all the time was written once.
  expect(family.linesWritten).toBe(10 * 100 + 1)
  expect(family.pieces()).toEqual([])
  expect(family.size).toBe(0)
})

test('scrapes at the same time tell the same', async () => {
  const { queue, scrape, end } = await scraped()
  await queue.enqueue({ kind: 'kind-1', runAt: new Date('2100-01-01') })
  const [one, other] = await Promise.all([scrape(), scrape()])
  expect(other.text).toBe(one.text)
  parseExposition(one.text)
  await end()
})
