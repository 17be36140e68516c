// BullMQ on a Redis that writes each command to disk before it answers, as durable as the others.
import { FlowProducer, Queue, Worker } from 'bullmq'
import { producerOf } from './bullmq.mjs'

export async function setup() {}

export async function producer(url) {
  const options = { connection: { url } }
  return producerOf(new Queue('bench', options), () => new FlowProducer(options))
}

export async function worker(url, { concurrency }, onJob) {
  const connection = { url, maxRetriesPerRequest: null }
  const worker = new Worker('bench', async (job) => onJob(job.data), { connection, concurrency })
  worker.on('error', (error) => console.error(error))
  await worker.waitUntilReady()
  return () => worker.close()
}
