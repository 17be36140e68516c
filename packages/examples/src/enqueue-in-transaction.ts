// An order and the job that confirms it are stored in one transaction: both or neither. The handler completes its job in
// the same transaction as its own writes, so that these take effect exactly once, whatever crashes.
//
// prints:
//   order 1: placed, its job is PENDING
//   order 2: card declined
//   order 2: not there, and no job
//   order 1: confirmed, its job is DONE with "mail sent"
import { PGlite } from '@electric-sql/pglite'
import { pino } from 'pino'
import { runAllWorkers } from 'runutil'
import { PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { type ClaimedJob, JobQueue, QueueWorker } from 'runutil/queue'

// The program's own database, in memory. With a server, it would be a pg.Pool, and BEGIN and COMMIT on a client.
const sql = new PGlite()
await sql.exec('create table orders (id int primary key, state text not null)')

const database = await openDatabase(sql)
await migrate(database)
const queue = new JobQueue(new PostgresJobStore(database))

await place(1, () => {})
await show(1)
await place(2, () => {
  throw new Error('card declined')
}).catch((error: Error) => console.log(`order 2: ${error.message}`))
await show(2)

const worker = new QueueWorker(queue).register('confirm', confirm)
const stop = new AbortController()
const run = runAllWorkers([worker], stop.signal, { logger: pino({ level: 'silent' }) })
await queue.result('confirm-1')
stop.abort()
await run
await show(1)

await database.close()
await sql.close()

async function place(order: number, charge: () => void): Promise<void> {
  await sql.transaction(async (tx) => {
    await tx.query(`insert into orders values ($1, 'placed')`, [order])
    await queue.enqueue({ id: `confirm-${order}`, kind: 'confirm', payload: { order } }, { tx })
    charge()
  })
}

async function confirm(job: ClaimedJob): Promise<void> {
  const { order } = job.payload as { order: number }
  await sql.transaction(async (tx) => {
    await tx.query(`update orders set state = 'confirmed' where id = $1`, [order])
    // Rejects, and so rolls back, if another process has the job by now.
    await queue.complete(job, 'mail sent', { tx })
  })
}

async function show(order: number): Promise<void> {
  const { rows } = await sql.query<{ state: string }>('select state from orders where id = $1', [order])
  const state = rows[0]?.state ?? 'not there'
  const job = await queue.get(`confirm-${order}`)
  if (job === undefined) console.log(`order ${order}: ${state}, and no job`)
  else console.log(`order ${order}: ${state}, its job is ${job.status}${withResult(job.result)}`)
}

function withResult(result: unknown): string {
  return result === undefined ? '' : ` with ${JSON.stringify(result)}`
}
