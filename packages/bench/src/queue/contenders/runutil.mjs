// runutil as it comes: a producer's database and a worker's are opened with their defaults. A worker prefetches while
// jobs are short, which is its default too; `batchOfOne` turns that off.
import { migrate, openDatabase, PostgresJobStore } from 'runutil/postgres'
import { JobQueue, QueueWorker } from 'runutil/queue'

// Ids are the caller's, so they are made beforehand in the contenders that make them in the database.
const run = process.pid.toString(36) + Date.now().toString(36)
let made = 0

export async function setup(url) {
  const database = await openDatabase(url)
  await migrate(database)
  await database.close()
}

export async function producer(url) {
  const database = await openDatabase(url)
  return { ...producerOf(database), close: () => database.close() }
}

export function producerOf(database) {
  const queue = new JobQueue(new PostgresJobStore(database))
  const input = (payload, runAt) => ({ id: `${run}-${made++}`, kind: 'bench', payload, runAt })
  return {
    addMany: (payloads, runAt) => queue.enqueue(payloads.map((payload) => input(payload, runAt))),
    add: (payload) => queue.enqueue(input(payload)),
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
export function workerOf(database, { concurrency, batchOfOne }, onJob) {
  const queue = new JobQueue(new PostgresJobStore(database))
  const worker = new QueueWorker(queue, { concurrency, ...(batchOfOne ? { prefetch: 0 } : {}) })
  worker.register('bench', (job) => onJob(job.payload))
  const ending = new AbortController()
  const running = worker.run(ending.signal)
  return () => {
    ending.abort()
    return running
  }
}
