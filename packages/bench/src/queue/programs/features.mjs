// What the queue's other features cost, one after the other, in one process. Each number that is a rate is per second; the others
// are medians in ms.
import { openDatabase, PostgresJobStore } from 'runutil/postgres'
import { JobQueue, QueueWorker } from 'runutil/queue'
import { finish, options } from './task.mjs'

const { url, count, failed, ms } = options
const database = await openDatabase(url)
const queue = new JobQueue(new PostgresJobStore(database))
const CHAIN = 10
const CALLERS = 10

finish({
  plain: await drained((n) => ({ id: `plain-${n}`, kind: 'plain' }), 'plain'),
  chains: await drained(
    (n) => ({ id: `chain-${n}`, kind: 'chain', ...(n % CHAIN > 0 && { after: `chain-${n - 1}` }) }),
    'chain',
  ),
  unique: await uniqueEnqueued(),
  ...(await operated()),
})

/** Jobs a second, from the first call of the handler to the last. */
async function drained(job, kind) {
  for (let at = 0; at < count; at += 10_000) {
    const length = Math.min(10_000, count - at)
    await queue.enqueue(Array.from({ length }, (_, n) => job(at + n)))
  }
  await settle()
  let ran = 0
  let startedAt
  let endedAt
  let end
  const ended = new Promise((resolve) => (end = resolve))
  const stop = new AbortController()
  const worker = new QueueWorker(queue, { concurrency: 10 }).register(kind, () => {
    if (ran++ === 0) startedAt = performance.now()
    if (ran < count) return
    endedAt = performance.now()
    end()
  })
  const running = worker.run(stop.signal)
  await ended
  stop.abort()
  await running
  return count / ((endedAt - startedAt) / 1e3)
}

async function uniqueEnqueued() {
  const until = performance.now() + ms
  let enqueued = 0
  await Promise.all(
    Array.from({ length: CALLERS }, async (_, caller) => {
      for (let n = 0; performance.now() < until; n++, enqueued++) {
        await queue.enqueue({ id: `unique-${caller}-${n}`, kind: 'unique', unique: `key-${caller}-${n}` })
      }
    }),
  )
  return enqueued / (ms / 1e3)
}

/** Of a store in which `failed` jobs have failed. */
async function operated() {
  for (let at = 0; at < failed; at += 5_000) {
    const length = Math.min(5_000, failed - at)
    const ids = Array.from({ length }, (_, n) => `failed-${at + n}`)
    await queue.enqueue(ids.map((id) => ({ id, kind: 'failing' })))
    await queue.cancel(ids)
  }
  await settle()
  const list = await median(() => queue.list({ status: 'FAILED', kind: 'failing' }, { limit: 50 }))
  const stats = await median(() => queue.stats())
  const startedAt = performance.now()
  const retried = await queue.retry({ status: 'FAILED', kind: 'failing' })
  return { list, stats, retried: retried / ((performance.now() - startedAt) / 1e3) }
}

async function median(call) {
  const times = []
  for (let n = 0; n < 21; n++) {
    const startedAt = performance.now()
    await call()
    times.push(performance.now() - startedAt)
  }
  return times.sort((a, b) => a - b)[10]
}

async function settle() {
  await database.query({ text: 'vacuum analyze' })
}
