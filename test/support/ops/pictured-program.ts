import {
  Runtime,
  type Worker,
  backoff,
  repeat,
  reportProgress,
  runAllWorkers,
  supervise,
  wait,
  workerReady,
} from 'runutil'
import { cron } from 'runutil/cron'
import { OpsServer } from 'runutil/ops'
import { type ClaimedJob, JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { capturedLogger } from '../logs.ts'

/** What happens in this time is what docs/command.md shows. */
const AGE_MS = 28_000

export interface PicturedProgram {
  readonly clock: VirtualClock
  readonly url: string
  readonly token: string
  readonly end: () => Promise<void>
}

/** A shop, 28 s after its start on a virtual clock: each run of it has done the same. */
export async function picturedProgram(): Promise<PicturedProgram> {
  const clock = new VirtualClock({ now: Date.UTC(2030, 0, 31, 14, 53, 55) })
  const queue = new JobQueue(new MemoryJobStore({ clock }))
  const token = 'secret'
  const ops = new OpsServer({ port: 0, queue, token })
  const stop = new AbortController()
  const runtime = new Runtime()
  const { logger } = capturedLogger()
  const workers = [
    { name: 'Ops', worker: ops },
    { name: 'Orders', worker: orders(queue) },
    { name: 'Storefront', worker: storefront() },
    { name: 'Rates', worker: idle },
    { name: 'Settlement', worker: cron('0 6 * * *', () => {}), retry: backoff('10s') },
    { name: 'Report', worker: cron('0 6 * * MON-FRI', () => {}, { timezone: 'Europe/Berlin' }) },
  ]
  const run = runAllWorkers(workers, stop.signal, { clock, logger, runtime })
  await runtime.ready('/Ops')
  await clock.advance(AGE_MS)
  const end = async (): Promise<void> => {
    stop.abort()
    const ticking = setInterval(() => void clock.advance(1_000), 10)
    await run.finally(() => clearInterval(ticking))
  }
  return { clock, url: ops.url!, token, end }
}

function orders(queue: JobQueue): Worker {
  const options = { concurrency: 8, attempts: 3, backoff: backoff('5s'), retention: '1h' }
  const worker = new QueueWorker(queue, options)
    .register('mail', mail)
    .register('charge', charge)
    .register('invoice', invoice)
    .register('export', exported, { concurrency: 1 })
    .register('import', imported)
    .register('newsletter', mail)
  let count = 0
  const order = async (): Promise<void> => {
    count++
    if (count === 1) {
      await queue.pause('newsletter')
      await queue.enqueue(Array.from({ length: 250 }, () => ({ kind: 'newsletter' })))
    }
    const payload = { order: count, customer: `customer-${count % 7}` }
    const id = `charge-${count}`
    await queue.enqueue([
      { kind: 'mail', payload },
      { kind: 'mail', payload: { ...payload, about: 'your parcel' }, delay: '10s' },
      { id, kind: 'charge', key: payload.customer, payload },
      { kind: 'invoice', payload, after: id },
    ])
    if (count % 10 === 1) await queue.enqueue({ kind: 'export', payload: { rows: 40 } })
    if (count % 9 === 1) await queue.enqueue({ kind: 'import', payload })
  }
  return supervise([
    { name: 'Jobs', worker },
    { name: 'Shop', worker: repeat('1s', order, { startImmediately: true }) },
  ])
}

async function mail(_: ClaimedJob, signal: AbortSignal): Promise<void> {
  await wait('100ms', signal)
}

async function invoice(_: ClaimedJob, signal: AbortSignal): Promise<void> {
  await wait('10ms', signal)
}

/** Each sixth never succeeds: FAILED after the last attempt. */
async function charge({ payload }: ClaimedJob, signal: AbortSignal): Promise<void> {
  await wait('40ms', signal)
  if ((payload as { order: number }).order % 6 === 0) throw new Error('the card was declined')
}

async function exported({ payload }: ClaimedJob, signal: AbortSignal): Promise<void> {
  const { rows } = payload as { rows: number }
  for (let row = 0; row < rows; row++) {
    reportProgress(row, rows, `row ${row}`)
    await wait('500ms', signal)
    signal.throwIfAborted()
  }
}

/** A mistake: PANIC at once. */
async function imported({ payload }: ClaimedJob, signal: AbortSignal): Promise<number> {
  await wait('20ms', signal)
  return (payload as { items: unknown[] }).items.length
}

function storefront(): Worker {
  const catalogue = supervise([
    { name: 'Stock', worker: idle },
    { name: 'Search', worker: idle, after: 'Stock' },
    { name: 'WarmUp', worker: noMemory, restart: 'temporary' },
  ])
  const prices = supervise([{ name: 'Feed', worker: noSuchHost }], {
    retry: backoff('2s'),
    intensity: { restarts: 3, within: '1m' },
  })
  return supervise([
    { name: 'Catalogue', worker: catalogue },
    { name: 'Prices', worker: prices, retry: backoff('10s') },
  ])
}

async function idle(signal: AbortSignal): Promise<void> {
  workerReady()
  await wait('365d', signal)
}

function noMemory(): never {
  throw new Error('no memory left for the cache')
}

async function noSuchHost(signal: AbortSignal): Promise<void> {
  await wait('1s', signal)
  if (!signal.aborted) throw new Error('no such host: prices.example.com')
}
