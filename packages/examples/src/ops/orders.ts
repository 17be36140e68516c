import { type Worker, backoff, repeat, reportProgress, supervise, wait } from 'runutil'
import { ProcessPool } from 'runutil/pool'
import { type Database, PostgresJobStore } from 'runutil/postgres'
import { type ClaimedJob, JobQueue, QueueWorker } from 'runutil/queue'

/** Every so many orders something goes wrong, so that each run of the program shows the same. */
const EVERY = { mailsBounce: 5, cardsAreDeclined: 6, importsAreBroken: 9 }

/** A shop's jobs: each order makes some. */
export class Orders {
  readonly queue: JobQueue
  readonly #pool = new ProcessPool({ module: new URL('picture.ts', import.meta.url), numWorkers: 2 })
  #orders = 0

  constructor(database: Database) {
    this.queue = new JobQueue(new PostgresJobStore(database))
  }

  workers(): Worker {
    const options = { concurrency: 8, attempts: 3, backoff: backoff('5s'), retention: '1h' }
    const worker = new QueueWorker(this.queue, options)
      .register('mail', mail)
      .register('charge', charge, { rate: { limit: 5, per: '1s' } })
      .register('invoice', ({ payload }) => `invoice of order ${orderOf(payload)}`)
      .register('picture', (job, signal) => this.#picture(job, signal))
      .register('export', exported, { concurrency: 1 })
      .register('import', imported)
      .register('newsletter', mail)
      .register('reminder', mail)
    return supervise([
      { name: 'Pictures', worker: this.#pool },
      { name: 'Jobs', worker, after: 'Pictures' },
      { name: 'Shop', worker: repeat('1s', () => this.#order(), { startImmediately: true }) },
    ])
  }

  async #order(): Promise<void> {
    const order = ++this.#orders
    if (order === 1) await this.#first()
    const charge = `charge-${order}`
    const payload = { order, customer: `customer-${order % 7}` }
    await this.queue.enqueue([
      { kind: 'mail', payload },
      { kind: 'mail', payload: { ...payload, about: 'your parcel' }, delay: '10s' },
      { kind: 'picture', payload },
      { id: charge, kind: 'charge', key: payload.customer, payload },
      { kind: 'invoice', payload, after: charge },
    ])
    if (order % 10 === 1) await this.queue.enqueue({ kind: 'export', payload: { rows: 40 } })
    if (order % EVERY.importsAreBroken === 1) await this.queue.enqueue({ kind: 'import', payload: { order } })
  }

  /** A kind that is paused, with jobs that wait, and some that are due much later. */
  async #first(): Promise<void> {
    await this.queue.pause('newsletter')
    const customers = Array.from({ length: 250 }, (_, at) => ({ order: at + 1, customer: `customer-${at}` }))
    await this.queue.enqueue(customers.map((payload) => ({ kind: 'newsletter', payload })))
    const later = customers.slice(0, 20).map((payload) => ({ kind: 'reminder', payload, delay: '6h' }))
    await this.queue.enqueue(later)
  }

  async #picture({ payload }: ClaimedJob, signal: AbortSignal): Promise<unknown> {
    const { body } = await this.#pool.exec(JSON.stringify(payload), { signal })
    return JSON.parse(Buffer.from(body!).toString()) as unknown
  }
}

function orderOf(payload: unknown): number {
  return (payload as { order: number }).order
}

function isEach(every: number, payload: unknown): boolean {
  return orderOf(payload) % every === 0
}

/** Some are refused the first time. */
async function mail({ payload, attempt }: ClaimedJob, signal: AbortSignal): Promise<string> {
  await wait('100ms', signal)
  if (attempt === 1 && isEach(EVERY.mailsBounce, payload)) throw new Error('mailbox is busy, try again later')
  return `sent to ${(payload as { customer: string }).customer}`
}

/** Some never succeed: FAILED after the last attempt. */
function charge({ payload }: ClaimedJob): string {
  if (isEach(EVERY.cardsAreDeclined, payload)) throw new Error('the card was declined')
  return 'charged'
}

async function exported({ payload }: ClaimedJob, signal: AbortSignal): Promise<string> {
  const { rows } = payload as { rows: number }
  for (let row = 0; row < rows; row++) {
    reportProgress(row, rows, `row ${row}`)
    await wait('500ms', signal)
    signal.throwIfAborted()
  }
  return `${rows} rows`
}

/** A mistake of the program, which a second attempt can't mend: PANIC at once. */
function imported({ payload }: ClaimedJob): number {
  return (payload as { items: unknown[] }).items.length
}
