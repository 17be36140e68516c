import { Counter, Registry, prometheusContentType } from 'prom-client'
import { type Runtime, backoff, repeat } from 'runutil'
import { MemoryLeaseStore } from 'runutil/leases'
import { OpsServer } from 'runutil/ops'
import { type KindStats, RetryableError } from 'runutil/queue'
import { exposition } from 'runutil/prometheus'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { Context, newScope, withContext } from '../../packages/runutil/src/core/context.ts'
import { Histogram } from '../../packages/runutil/src/core/histogram.ts'
import { type WorkerRecord, RunRecords } from '../../packages/runutil/src/core/worker-record.ts'
import { LabelNames } from '../../packages/runutil/src/metrics/label-names.ts'
import { MetricFamily } from '../../packages/runutil/src/prometheus/metric-family.ts'
import { WorkerMetrics } from '../../packages/runutil/src/prometheus/worker-metrics.ts'
import { parseExposition, valueOf } from '../support/prometheus/parse-exposition.ts'
import { freshWorker } from '../support/queue/fresh-worker.ts'
import { ScriptedHandler } from '../support/queue/scripted-handler.ts'

/** A queue of kind 'a' with a worker, on a virtual clock, and what is scraped on that. */
function fresh(options: Omit<Parameters<typeof exposition>[0] & object, 'queue'> = {}) {
  const script = new ScriptedHandler()
  const worker = freshWorker(script.handle, { concurrency: 10 })
  const scrapeOf = (tell: () => Promise<string>) => async () => {
    const context = new Context(newScope({ clock: worker.clock }), '')
    return parseExposition(await withContext(context, tell))
  }
  const scrape = (runtime?: Runtime) => scrapeOf(exposition({ ...options, queue: worker.queue, runtime }))
  return { ...worker, script, scrape }
}

describe('the exposition', () => {
  it('has zeros of all kinds that its process runs, before anything has happened', async () => {
    const { run, scrape } = fresh()
    const { runtime, stop } = await run()
    const metrics = await scrape(runtime)()
    for (const outcome of ['done', 'failed', 'panic', 'retried']) {
      expect(valueOf(metrics, 'runutil_job_duration_seconds_count', { kind: 'a', outcome })).toBe(0)
    }
    expect(valueOf(metrics, 'runutil_job_wait_seconds_sum', { kind: 'a' })).toBe(0)
    for (const state of ['waiting', 'blocked', 'running', 'failed']) {
      expect(valueOf(metrics, 'runutil_jobs', { kind: 'a', state })).toBe(0)
    }
    expect(valueOf(metrics, 'runutil_jobs_oldest_due_seconds', { kind: 'a' })).toBe(0)
    expect(valueOf(metrics, 'runutil_kind_paused', { kind: 'a' })).toBe(0)
    await stop()
  })

  it('has how attempts ended, how long they took and waited, also after the minute is stored', async () => {
    const { run, scrape, enqueue, script, clock } = fresh()
    const { runtime, stop } = await run()
    const scraping = scrape(runtime)
    await enqueue('1', '2', '3', '4')
    await clock.advance(2_000)
    ;(await script.call('1')).return()
    ;(await script.call('2')).throw(new Error('no'))
    ;(await script.call('3')).throw(new TypeError('a panic'))
    ;(await script.call('4')).throw(new RetryableError({ cause: new Error('later'), retryAfter: '1h' }))
    await clock.advance(1_000)
    const names = ['done', 'failed', 'panic', 'retried']
    const counts = async () => {
      const metrics = await scraping()
      const duration = 'runutil_job_duration_seconds'
      return names.map((outcome) => ({
        count: valueOf(metrics, `${duration}_count`, { kind: 'a', outcome }),
        sum: Math.round(valueOf(metrics, `${duration}_sum`, { kind: 'a', outcome })!),
        under: valueOf(metrics, `${duration}_bucket`, { kind: 'a', outcome, le: '0.65536' }),
        upTo: valueOf(metrics, `${duration}_bucket`, { kind: 'a', outcome, le: '2.62144' }),
      }))
    }
    const each = names.map(() => ({ count: 1, sum: 2, under: 0, upTo: 1 }))
    expect(await counts()).toEqual(each)
    await clock.advance(70_000)
    expect(await counts()).toEqual(each)
    const metrics = await scraping()
    expect(valueOf(metrics, 'runutil_jobs', { kind: 'a', state: 'failed' })).toBe(2)
    expect(valueOf(metrics, 'runutil_jobs', { kind: 'a', state: 'waiting' })).toBe(1)
    expect(valueOf(metrics, 'runutil_job_wait_seconds_count', { kind: 'a' })).toBe(4)
    await stop()
  })

  it('has since when a job is due, and drops what is gone', async () => {
    const { queue, scrape, clock } = fresh()
    const scraping = scrape()
    await queue.enqueue([{ kind: 'b' }, { kind: 'c', id: 'c' }])
    await queue.pause('b')
    await clock.advance(5_000)
    const before = await scraping()
    expect(valueOf(before, 'runutil_jobs_oldest_due_seconds', { kind: 'b' })).toBe(5)
    expect(valueOf(before, 'runutil_kind_paused', { kind: 'b' })).toBe(1)
    expect(valueOf(before, 'runutil_jobs', { kind: 'c', state: 'waiting' })).toBe(1)
    await queue.delete('c')
    await clock.advance(2_000)
    expect(valueOf(await scraping(), 'runutil_jobs', { kind: 'c', state: 'waiting' })).toBeUndefined()
  })

  it('has the state, restarts and runs of workers', async () => {
    const { run, scrape, clock } = fresh()
    let runs = 0
    const flaky = repeat('10s', () => {
      if (++runs === 2) throw new Error('no')
    })
    const { runtime, stop } = await run({ name: 'Rates', worker: flaky, retry: backoff('1s') })
    await clock.advance(30_000)
    const metrics = await scrape(runtime)()
    expect(valueOf(metrics, 'runutil_worker_state', { worker: '/Rates', state: 'ready' })).toBe(1)
    expect(valueOf(metrics, 'runutil_worker_restarts_total', { worker: '/Rates' })).toBe(1)
    expect(valueOf(metrics, 'runutil_worker_failures_total', { worker: '/Rates' })).toBe(1)
    expect(valueOf(metrics, 'runutil_worker_missed_total', { worker: '/Rates' })).toBe(0)
    expect(valueOf(metrics, 'runutil_run_duration_seconds_count', { worker: '/Rates' })).toBe(runs)
    const states = metrics.get('runutil_worker_state')!.samples
    expect(states.every(({ value }) => value === 1)).toBe(true)
    await stop()
  })

  it('asks the store once in 2 s, and for nothing else', async () => {
    const { queue, scrape, clock } = fresh()
    let asked = 0
    const stats = queue.stats.bind(queue)
    queue.stats = () => {
      asked++
      return stats()
    }
    const scraping = scrape()
    await Promise.all([scraping(), scraping()])
    await clock.advance(1_999)
    await scraping()
    expect(asked).toBe(1)
    await clock.advance(1)
    await scraping()
    expect(asked).toBe(2)
  })

  it('leaves out the backlog while the store fails or hangs, and has what the process knows', async () => {
    const { queue, run, scrape, clock } = fresh()
    const { runtime, stop } = await run()
    const scraping = scrape(runtime)
    queue.stats = () => Promise.reject(new Error('no database'))
    const failed = await scraping()
    expect(failed.has('runutil_jobs')).toBe(false)
    expect(failed.has('runutil_job_duration_seconds')).toBe(true)
    let answer: (stats: KindStats[]) => void = () => {}
    queue.stats = () => new Promise((resolve) => (answer = resolve))
    await clock.advance(2_000)
    const hanging = scraping()
    await clock.advance(2_000)
    expect((await hanging).has('runutil_jobs')).toBe(false)
    answer([])
    queue.stats = () => Promise.resolve([])
    await clock.advance(0)
    expect((await scraping()).has('runutil_jobs')).toBe(true)
    await stop()
  })

  it('tells the backlog in one process, and in the next one once that is scraped no more', async () => {
    const { queue, clock } = fresh()
    await queue.enqueue({ kind: 'b' })
    const leases = new MemoryLeaseStore({ clock })
    const scrapers = [1, 2].map(() => {
      const tell = exposition({ queue, leases })
      return async () => {
        const context = new Context(newScope({ clock }), '')
        return parseExposition((await withContext(context, tell)) || '\n').has('runutil_jobs')
      }
    }) as [() => Promise<boolean>, () => Promise<boolean>]
    const [first, second] = scrapers
    for (let minute = 0; minute < 3; minute++) {
      expect([await first(), await second()]).toEqual([true, false])
      await clock.advance(60_000)
    }
    await clock.advance(40_000)
    expect([await second(), await first()]).toEqual([true, false])
  })

  it('escapes names, and has nothing of ids and keys', async () => {
    const { queue, scrape } = fresh()
    const kind = 'a "quoted"\n \\kind'
    await queue.enqueue({ kind, id: 'secret-id', key: 'secret-key', payload: 'secret' })
    const metrics = await scrape()()
    expect(valueOf(metrics, 'runutil_jobs', { kind, state: 'waiting' })).toBe(1)
    expect(JSON.stringify([...metrics])).not.toContain('secret')
  })

  it('has 200 kinds at most, the rest as one, in a time that does not depend on the jobs', async () => {
    const { queue, scrape } = fresh()
    const jobs = Array.from({ length: 300 }, (_, at) => ({ kind: `kind-${String(at).padStart(3, '0')}` }))
    await queue.enqueue([...jobs, ...jobs])
    const metrics = await scrape()()
    const { samples } = metrics.get('runutil_jobs')!
    expect(new Set(samples.map(({ labels }) => labels['kind'])).size).toBe(201)
    expect(valueOf(metrics, 'runutil_jobs', { kind: 'kind-000', state: 'waiting' })).toBe(2)
    expect(valueOf(metrics, 'runutil_jobs', { kind: 'other', state: 'waiting' })).toBe(200)
  })

  it('adds the metrics of a registry of prom-client', async () => {
    const registry = new Registry()
    const counter = new Counter({
      name: 'orders_total',
      help: 'Orders',
      labelNames: ['shop'],
      registers: [registry],
    })
    counter.inc({ shop: 'north' }, 3)
    const { queue, scrape } = fresh({ registry })
    await queue.enqueue({ kind: 'b' })
    const metrics = await scrape()()
    expect(valueOf(metrics, 'orders_total', { shop: 'north' })).toBe(3)
    expect(valueOf(metrics, 'runutil_jobs', { kind: 'b', state: 'waiting' })).toBe(1)
    expect(registry.contentType).toBe(prometheusContentType)
  })

  it('is what an OpsServer serves', async () => {
    const { queue, run } = fresh()
    const ops = new OpsServer({ port: 0, page: false, api: false, metrics: exposition({ queue }) })
    const { stop } = await run({ name: 'Ops', worker: ops })
    await expect.poll(() => ops.url).toBeDefined()
    const answer = await fetch(`${ops.url}metrics`)
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(
      valueOf(parseExposition(await answer.text()), 'runutil_worker_state', {
        worker: '/Ops',
        state: 'ready',
      }),
    ).toBe(1)
    await stop()
  })

  it('is sent in pieces, each short enough for memory that is used again', async () => {
    const { queue, worker, run } = fresh()
    for (let at = 0; at < 100; at++) worker.register(`kind-${at}`, () => undefined)
    const metrics = exposition({ queue })
    const ops = new OpsServer({ port: 0, page: false, api: false, metrics })
    const { runtime, stop } = await run({ name: 'Ops', worker: ops })
    await expect.poll(() => ops.url).toBeDefined()
    const sent = await (await fetch(`${ops.url}metrics`)).text()
    const pieces = await exposition({ queue, runtime }).pieces()
    expect(parseExposition(sent).size).toBe(parseExposition(pieces.join('')).size)
    expect(sent.match(/^runutil_job_duration_seconds_count/gm)).toHaveLength(4 * 101)
    expect(sent.length).toBeGreaterThan(500_000)
    // What is longer than 128 KiB is fresh memory each time.
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(100_000)
    // One who asks and goes away.
    const leaving = new AbortController()
    const left = fetch(`${ops.url}metrics`, { signal: leaving.signal })
    leaving.abort()
    await expect(left).rejects.toThrow()
    expect((await fetch(`${ops.url}metrics`)).status).toBe(200)
    await stop()
  })

  it('says what is wrong with its options', () => {
    expect(() => exposition({ que: 1 } as never)).toThrow(
      "exposition: unknown option 'que'; did you mean 'queue'?",
    )
    expect(() => exposition({ queue: {} as never })).toThrow('exposition: queue: expected a JobQueue; got')
    const registry = new Registry()
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
    expect(() => exposition({ registry })).toThrow(
      'exposition: registry: expected one in the text format; got',
    )
  })
})

describe('kinds in labels', () => {
  it('stay what they were first', () => {
    const names = new LabelNames()
    const kinds = Array.from({ length: 202 }, (_, at) => `k${at}`)
    names.update(new Set(kinds))
    expect([names.of('k199'), names.of('k200'), names.of('k201')]).toEqual(['k199', 'other', 'other'])
    names.update(new Set(kinds.slice(1)))
    expect([names.of('k0'), names.of('k200')]).toEqual(['other', 'other'])
    names.update(new Set([...kinds.slice(1), 'new']))
    expect([names.of('new'), names.of('k200'), names.of('k1')]).toEqual(['new', 'other', 'k1'])
  })
})

describe('a histogram', () => {
  it.each([7, 16])('counts to the bound exactly, with %i buckets a doubling', (perDoubling) => {
    const family = new MetricFamily({ name: 'seconds', type: 'histogram', help: 'help', labels: [] })
    const histogram = new Histogram(perDoubling)
    // On each side of bounds, which are powers of four of 0.64 ms.
    for (const ms of [0.001, 0.63, 0.65, 2.55, 2.57, 1e9]) histogram.add(ms)
    family.setDurations([{ count: 7, sumMs: 1_500, counts: histogram.counts }], perDoubling)
    const metrics = parseExposition(family.pieces().join(''))
    const upTo = (le: string) => valueOf(metrics, 'seconds_bucket', { le })
    // One that took no time, since its handler was not called, is in all.
    expect(['0.00064', '0.00256', '0.01024', '2684.35', '+Inf'].map(upTo)).toEqual([3, 5, 6, 6, 7])
    expect(valueOf(metrics, 'seconds_sum')).toBe(1.5)
  })
})

/** The metrics of workers. */
function told(workers: readonly WorkerRecord[]) {
  const metrics = new WorkerMetrics()
  metrics.set(workers)
  return parseExposition(metrics.families.flatMap((family) => family.pieces()).join(''))
}

describe('workers in labels', () => {
  it('are 1,000 at most, the rest as one', () => {
    const { root } = new RunRecords(new VirtualClock())
    const workers = Array.from({ length: 1_003 }, (_, at) => root.newChild(`/W/${at}`))
    for (const worker of workers) worker.failed(new Error('no'))
    workers[1_001]!.moveTo('ready')
    const metrics = told(workers)
    expect(valueOf(metrics, 'runutil_worker_state', { worker: '/W/999', state: 'failed' })).toBe(1)
    expect(valueOf(metrics, 'runutil_worker_state', { worker: 'other', state: 'failed' })).toBe(2)
    expect(valueOf(metrics, 'runutil_worker_state', { worker: 'other', state: 'ready' })).toBe(1)
    expect(valueOf(metrics, 'runutil_worker_failures_total', { worker: 'other' })).toBe(3)
  })

  it('have the processes of a pool, by state, and their memory', () => {
    const pool = new RunRecords(new VirtualClock()).root.newChild('/Pool')
    pool.kind = 'pool'
    const processes = [{ state: 'ready', rss: 10 }, { state: 'working', rss: 20 }, { state: 'ready' }]
    pool.describe = () => ({ waiting: 0, processes })
    const metrics = told([pool])
    expect(valueOf(metrics, 'runutil_pool_workers', { worker: '/Pool', state: 'ready' })).toBe(2)
    expect(valueOf(metrics, 'runutil_pool_memory_bytes', { worker: '/Pool' })).toBe(30)
  })
})
