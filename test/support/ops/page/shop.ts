import { fileURLToPath } from 'node:url'
import {
  type DeclarativeWorker,
  backoff,
  repeat,
  reportProgress,
  supervise,
  wait,
  workerReady,
} from 'runutil'
import { type Attempt, CoordinateWorker, type Namespace } from 'runutil/coordinate'
import { cron } from 'runutil/cron'
import type { Task } from 'runutil/dispatch'
import { distributedRepeat, singleton } from 'runutil/leases'
import { ProcessPool } from 'runutil/pool'
import { type ClaimedJob, QueueWorker } from 'runutil/queue'
import { ShownService } from './shown-service.ts'

/** What the clock shows when the page is looked at. */
const NOON = Date.UTC(2026, 2, 2, 12)
/** How long ago what goes on has begun. */
const LAST_MS = 40_000

/** A shop at noon, after that much work: always the same, but for the ids of processes and jobs. */
export async function openShop(minutes: number): Promise<ShownService> {
  const service = new ShownService(NOON - minutes * 60_000 - LAST_MS)
  const pool = new ProcessPool({
    command: [process.execPath, fileURLToPath(new URL('../../../pool/programs/node.mjs', import.meta.url))],
    numWorkers: 2,
    destroyTimeout: '1s',
  })
  const crawl = await store(service)
  await service.start(workersOf(service, crawl, pool))
  await service.ready('/Orders/Pictures')
  for (let minute = 0; minute < minutes; minute++) {
    await order(service, minute)
    await service.clock.advance('1m')
  }
  // Real processes, to which so much time has not passed.
  await pool.reset()
  for (const task of ['echo', 'slow 600000']) pool.exec(task).catch(() => {})
  await lastMinute(service)
  await replicasOf(service)
  return service
}

/** What is there before any work. */
async function store({ queue, coordinate }: ShownService): Promise<Namespace> {
  await queue.pause('newsletter')
  const crawl = await coordinate.namespace('crawl')
  const pages = await crawl.setWorkSpec({ name: 'pages', priority: 1, max_running: 4, runtime: 'node' })
  await pages.addWorkUnits(Array.from({ length: 240 }, (_, at) => ({ name: `/page/${at}`, data: {} })))
  const archive = await crawl.setWorkSpec({ name: 'archive', disabled: true, runtime: 'node' })
  await archive.addWorkUnits(Array.from({ length: 12 }, (_, at) => ({ name: `/old/${at}`, data: {} })))
  await crawl.setWorkSpec({
    name: 'sitemap',
    continuous: true,
    interval: 600,
    then: 'pages',
    runtime: 'node',
  })
  return crawl
}

function workersOf(service: ShownService, namespace: Namespace, pool: ProcessPool): DeclarativeWorker[] {
  const { queue, leases, manager } = service
  const jobs = new QueueWorker(queue, {
    concurrency: 6,
    attempts: 3,
    backoff: backoff('20s'),
    pollInterval: '1m',
  })
    .register('mail', mail)
    .register('charge', charge)
    .register('export', exportRows, { concurrency: 1 })
    .register('import', ({ payload }) => (payload as { items: unknown[] }).items.length)
    .register('newsletter', mail)
  const crawl = new CoordinateWorker({
    namespace,
    tasks: { pages: readPages, sitemap: lookAtSitemap },
    workerId: 'crawler-1',
    concurrency: 2,
    maxAttempts: 2,
    pollInterval: '1m',
  })
  return [
    {
      name: 'Orders',
      worker: supervise([
        { name: 'Jobs', worker: jobs, after: 'Pictures' },
        { name: 'Pictures', worker: pool },
      ]),
    },
    { name: 'Crawl', worker: crawl },
    {
      name: 'Devices',
      worker: supervise([
        { name: 'Updates', worker: manager },
        { name: 'Printers', worker: (signal) => printers(service, signal) },
      ]),
    },
    {
      name: 'Storefront',
      worker: supervise([
        { name: 'Catalogue', worker: ready },
        { name: 'WarmUp', worker: noMemory, restart: 'temporary' },
        { name: 'Prices', worker: noSuchHost, retry: backoff('10m') },
      ]),
    },
    { name: 'Rates', worker: singleton(leases, 'rates', ready), retry: backoff('5s') },
    {
      name: 'Cleanup',
      worker: distributedRepeat(leases, 'cleanup', '10m', () => {}),
      retry: backoff('5s'),
    },
    { name: 'Sync', worker: repeat('5m', sync, { startImmediately: true }) },
    { name: 'Report', worker: cron('0 6 * * MON-FRI', () => {}, { timezone: 'Europe/Berlin' }) },
  ]
}

/** More and more of them towards noon. */
async function order({ queue, manager }: ShownService, minute: number): Promise<void> {
  const customers = Array.from({ length: 4 + (minute % 9) + Math.floor(minute / 10) }, (_, at) => at)
  const jobs = customers.flatMap((customer) => {
    const payload = { order: minute * 100 + customer, customer: `customer-${customer}` }
    return [
      { kind: 'mail', payload },
      { kind: 'charge', key: payload.customer, payload },
    ]
  })
  await queue.enqueue(jobs)
  if (minute % 10 === 9) await queue.enqueue({ kind: 'import', payload: { order: minute } })
  if (minute % 5 === 0) manager.do('lobby', { version: minute }).catch(() => {})
  if (minute % 7 === 6) manager.do('workshop', { version: minute }).catch(() => {})
}

/** What goes on when the page is looked at. */
async function lastMinute({ queue, manager }: ShownService): Promise<void> {
  const rows = { rows: 400, to: 'orders.csv' }
  manager.do('office', { version: 100 }).catch(() => {})
  manager.do('office', { version: 101 }).catch(() => {})
  await queue.enqueue([
    { id: 'export-7', kind: 'export', payload: rows },
    { id: 'export-8', kind: 'export', payload: rows },
    { id: 'archive-7', kind: 'mail', payload: { order: 7, customer: 'archive' }, after: 'export-7' },
    ...Array.from({ length: 40 }, (_, at) => ({
      id: `newsletter-${at}`,
      kind: 'newsletter',
      payload: { order: at },
    })),
  ])
}

/** Beside this one: one that lives, and one that is lost. */
async function replicasOf({ replicas, clock }: ShownService): Promise<void> {
  const now = new Date(clock.now()).toISOString()
  const state = { at: now, replica: '', workers: {}, loop: { utilization: 0.12 }, memory: {} }
  const facts = { host: 'host-2', version: '0.1.0', startedAt: new Date(NOON - 3_600_000) }
  await replicas.beat({ ...facts, id: 'shop-3', name: 'shop-3', pid: 311, state })
  await clock.advance(LAST_MS)
  // Without what jitter adds of a millisecond.
  clock.set(NOON)
  await replicas.beat({ ...facts, id: 'shop-2', name: 'shop-2', pid: 211, state })
}

async function ready(signal: AbortSignal): Promise<void> {
  workerReady()
  await wait('365d', signal)
}

function noMemory(): never {
  throw new Error('no memory left for the cache')
}

async function noSuchHost(signal: AbortSignal): Promise<void> {
  await wait('3m', signal)
  if (!signal.aborted) throw new Error('no such host: prices.example.com')
}

async function sync(signal: AbortSignal): Promise<void> {
  reportProgress(2, 3, 'customers')
  await wait('1s', signal)
}

async function mail({ payload, attempt }: ClaimedJob, signal: AbortSignal): Promise<string> {
  const { order, customer } = payload as { order: number; customer: string }
  await wait(`${200 + (order % 7) * 100}ms`, signal)
  if (attempt === 1 && order % 5 === 0) throw new Error('mailbox is busy, try again later')
  return `sent to ${customer}`
}

async function charge({ payload }: ClaimedJob, signal: AbortSignal): Promise<string> {
  const { order } = payload as { order: number }
  await wait('150ms', signal)
  if (order % 13 === 0) throw new Error('the card was declined')
  return 'charged'
}

async function exportRows({ payload }: ClaimedJob, signal: AbortSignal): Promise<void> {
  const { rows } = payload as { rows: number }
  for (let row = 0; row < rows && !signal.aborted; row++) {
    reportProgress(row, rows, `row ${row}`)
    await wait('500ms', signal)
  }
}

async function readPages(attempts: Attempt[], signal: AbortSignal): Promise<void> {
  for (const attempt of attempts) {
    await wait('30s', signal)
    if (signal.aborted) return
    if (attempt.workUnit.name.endsWith('7')) await attempt.fail({ reason: 'no such page' })
    else await attempt.finish({ bytes: 4_096 })
  }
}

async function lookAtSitemap([attempt]: Attempt[]): Promise<void> {
  await attempt!.finish({ output: [] })
}

async function printers({ manager }: ShownService, signal: AbortSignal): Promise<void> {
  const update = async ({ action, target, input }: Task, its: AbortSignal): Promise<void> => {
    const { version } = input as { version: number }
    reportProgress(60, 100, 'copying')
    await wait(target === 'office' ? '1h' : '40s', its)
    const failed = { id: action, status: 'failed', error: 'out of paper' } as const
    const done = { id: action, output: `now at version ${version}` }
    if (!its.aborted) await manager.update(target === 'workshop' && version % 2 === 0 ? failed : done)
  }
  const connected = ['lobby', 'office', 'workshop'].map((target) =>
    manager.workers.register('host-1', target, update),
  )
  workerReady()
  await wait('365d', signal)
  await Promise.all(connected.map((registration) => registration.close()))
}
