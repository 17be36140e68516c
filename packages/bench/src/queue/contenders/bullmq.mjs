// BullMQ on PostgreSQL: as its guide says, a pool with as many connections as jobs at once. It has no setting that
// takes jobs or completes them in batches. Finished jobs are kept, its default.
import { FlowProducer, Queue, Worker, createPostgresBackend, runMigrations } from 'bullmq'
import pg from 'pg'

export async function setup(url) {
  const client = new pg.Client(url)
  await client.connect()
  await runMigrations(client)
  await client.end()
}

export async function producer(url, { callers = 1 }) {
  const options = { connection: connection(url, callers) }
  const queue = new Queue('bench', options, createPostgresBackend)
  return producerOf(queue, () => new FlowProducer(options, createPostgresBackend))
}

/** @param flowProducer makes one, for chains */
export function producerOf(queue, flowProducer) {
  queue.on('error', (error) => console.error(error))
  return {
    inputs: (payloads, runAt) => {
      const opts = runAt === undefined ? {} : { delay: runAt.getTime() - Date.now() }
      return payloads.map((data) => ({ name: 'bench', data, opts }))
    },
    addMany: (inputs) => queue.addBulk(inputs),
    add: (payload) => queue.add('bench', payload),
    addUnique: (payload, id) => queue.add('bench', payload, { deduplication: { id } }),
    addChains: async (chains) => {
      const flows = flowProducer()
      // A flow's parent runs after its children: the first of a chain is the innermost.
      const flowOf = (payloads) =>
        payloads.reduce(
          (children, data) => [{ name: 'bench', queueName: 'bench', data, children }],
          undefined,
        )
      await flows.addBulk(chains.flatMap((payloads) => flowOf(payloads)))
      await flows.close()
    },
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
