// runutil as it comes: a producer's database and a worker's are opened with their defaults. A worker prefetches while
// jobs are short, which is its default too; `batchOfOne` turns that off.
import { migrate, openDatabase, PostgresJobStore } from 'runutil/postgres'
import { JobQueue, QueueWorker } from 'runutil/queue'

// Ids are the caller's.
const run = process.pid.toString(36) + Date.now().toString(36)
let made = 0

export async function setup(url) {
  const database = await openDatabase(url)
  await migrate(database)
  await database.close()
}

export async function producer(url, { keys } = {}) {
  const database = await openDatabase(url)
  return { ...producerOf(database, keys), close: () => database.close() }
}

export function producerOf(database, keys) {
  const queue = new JobQueue(new PostgresJobStore(database))
  const input = (payload, runAt) => {
    const job = { id: `${run}-${made++}`, kind: 'bench', payload, runAt }
    return keys === undefined ? job : { ...job, key: `key-${made % keys}` }
  }
  return {
    inputs: (payloads, runAt) => payloads.map((payload) => input(payload, runAt)),
    addMany: (inputs) => queue.enqueue(inputs),
    add: (payload) => queue.enqueue(input(payload)),
    addUnique: (payload, unique) => queue.enqueue({ ...input(payload), unique }),
    addChains: (chains) =>
      queue.enqueue(
        chains.flatMap((payloads) => {
          const jobs = payloads.map((payload) => input(payload))
          return jobs.map((job, at) => (at === 0 ? job : { ...job, after: jobs[at - 1].id }))
        }),
      ),
  }
}

export async function worker(url, options, onJob) {
  const database = await openDatabase(url)
  const stop = workerOf(database, options, onJob)
  return async () => {
    await stop()
    await database.close()
  }
}

/** @returns stops it, and resolves when the last result is stored */
export function workerOf(database, { concurrency, batchOfOne, limits }, onJob) {
  const queue = new JobQueue(new PostgresJobStore(database))
  const worker = new QueueWorker(queue, { concurrency, ...(batchOfOne ? { prefetch: 0 } : {}) })
  worker.register('bench', (job) => onJob(job.payload), limits)
  const ending = new AbortController()
  const running = worker.run(ending.signal)
  return () => {
    ending.abort()
    return running
  }
}
