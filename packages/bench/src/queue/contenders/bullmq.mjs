// BullMQ on PostgreSQL: as its guide says, a pool with as many connections as jobs at once. It has no setting that
// takes jobs or completes them in batches. Finished jobs are kept, its default.
import { Queue, Worker, createPostgresBackend, runMigrations } from 'bullmq'
import pg from 'pg'

export async function setup(url) {
  const client = new pg.Client(url)
  await client.connect()
  await runMigrations(client)
  await client.end()
}

export async function producer(url, { callers = 1 }) {
  const queue = new Queue('bench', { connection: connection(url, callers) }, createPostgresBackend)
  return producerOf(queue)
}

export function producerOf(queue) {
  queue.on('error', (error) => console.error(error))
  return {
    addMany: (payloads, runAt) => {
      const opts = runAt === undefined ? {} : { delay: runAt.getTime() - Date.now() }
      return queue.addBulk(payloads.map((data) => ({ name: 'bench', data, opts })))
    },
    add: (payload) => queue.add('bench', payload),
    close: () => queue.close(),
  }
}

export async function worker(url, { concurrency }, onJob) {
  const options = { connection: connection(url, concurrency), concurrency }
  const worker = new Worker('bench', async (job) => onJob(job.data), options, createPostgresBackend)
  worker.on('error', (error) => console.error(error))
  await worker.waitUntilReady()
  return () => worker.close()
}

/** By hand: to run a million would take it some ten minutes. */
export async function finishAll(url) {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(
    `update bullmq.job set state = 'completed', return_value = 'null', attempts_made = 1,
       attempts_started = 1, processed_at_ms = added_at_ms, finished_at_ms = added_at_ms
     where queue = 'bench' and state = 'waiting'`,
  )
  await client.end()
}

function connection(url, atOnce) {
  return { connectionString: url, max: Math.max(10, atOnce) }
}
