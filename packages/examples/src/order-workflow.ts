// An order is placed in one transaction with the five jobs that fulfil it, which run one after the other. One fails, so those after
// it can't run; when an operator retries it, they come along.
//
// prints:
//   order 17: placed
//   reserved 3 lamps
//   charge failed: the bank is closed
//   pack: FAILED, dependency charge-17 failed
//   ship: FAILED, dependency charge-17 failed
//   an operator retries 1 job
//   charged 90 EUR
//   billed receipt R-17
//   packed 3 lamps
//   shipped {"pack-17":{"boxes":1},"bill-17":{"bill":"B-R-17"}}
import { PGlite } from '@electric-sql/pglite'
import { pino } from 'pino'
import { runAllWorkers } from 'runutil'
import { PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { type ClaimedJob, JobQueue, QueueWorker } from 'runutil/queue'

// The program's own database, in memory. With a server, it would be a pg.Pool, and BEGIN and COMMIT on a client.
const sql = new PGlite()
await sql.exec('create table orders (id int primary key, lamps int not null)')

const database = await openDatabase(sql)
await migrate(database)
const queue = new JobQueue(new PostgresJobStore(database))

let bankIsOpen = false
const worker = new QueueWorker(queue, { concurrency: 1 })
  .register('reserve', reserve)
  .register('charge', charge)
  .register('pack', pack)
  .register('bill', bill)
  .register('ship', ship)

await placeOrder(17, 3)

const stop = new AbortController()
const run = runAllWorkers([worker], stop.signal, { logger: pino({ level: 'silent' }) })
await queue.result('charge-17').catch((error: Error) => console.log(`charge failed: ${bankError(error)}`))
await show('pack')
await show('ship')

bankIsOpen = true
const retried = await queue.retry({ kind: 'charge', status: 'FAILED' })
console.log(`an operator retries ${retried} job`)
await queue.result('ship-17')
stop.abort()
await run
await database.close()
await sql.close()

async function placeOrder(order: number, lamps: number): Promise<void> {
  await sql.transaction(async (tx) => {
    await tx.query('insert into orders values ($1, $2)', [order, lamps])
    const payload = { order }
    await queue.enqueue(
      [
        { id: `reserve-${order}`, kind: 'reserve', payload },
        { id: `charge-${order}`, kind: 'charge', payload, after: `reserve-${order}` },
        // Before the packing, which takes longer.
        { id: `bill-${order}`, kind: 'bill', payload, after: `charge-${order}`, priority: 1 },
        { id: `pack-${order}`, kind: 'pack', payload, after: `charge-${order}` },
        { id: `ship-${order}`, kind: 'ship', payload, after: [`pack-${order}`, `bill-${order}`] },
      ],
      { tx },
    )
  })
  console.log(`order ${order}: placed`)
}

async function reserve(job: ClaimedJob): Promise<void> {
  console.log(`reserved ${await lampsOf(job)} lamps`)
}

async function charge(job: ClaimedJob): Promise<{ receipt: string }> {
  if (!bankIsOpen) throw new Error('the bank is closed')
  console.log(`charged ${30 * (await lampsOf(job))} EUR`)
  return { receipt: `R-${orderOf(job)}` }
}

async function bill(job: ClaimedJob): Promise<{ bill: string }> {
  const { receipt } = (await job.dependencies())[`charge-${orderOf(job)}`] as { receipt: string }
  console.log(`billed receipt ${receipt}`)
  return { bill: `B-${receipt}` }
}

async function pack(job: ClaimedJob): Promise<{ boxes: number }> {
  const lamps = await lampsOf(job)
  console.log(`packed ${lamps} lamps`)
  return { boxes: Math.ceil(lamps / 4) }
}

async function ship(job: ClaimedJob): Promise<void> {
  console.log(`shipped ${JSON.stringify(await job.dependencies())}`)
}

function orderOf(job: ClaimedJob): number {
  return (job.payload as { order: number }).order
}

async function lampsOf(job: ClaimedJob): Promise<number> {
  const { rows } = await sql.query<{ lamps: number }>('select lamps from orders where id = $1', [
    orderOf(job),
  ])
  return rows[0]!.lamps
}

async function show(step: string): Promise<void> {
  const job = await queue.get(`${step}-17`)
  console.log(`${step}: ${job?.status}, ${job?.lastError}`)
}

function bankError(error: Error): string {
  return error.message.replace(/^.*: /, '')
}
