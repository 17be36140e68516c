// pg-boss at its fastest: a worker takes 1,000 jobs a statement and goes on at once while batches are full
// (`burstWhenBatchFull`); more than 4 workers add nothing on two cores. It has no concurrency but theirs: a batch is one
// call of the handler. The queue has a table of its own, as is advised for large ones: a tenth faster. Scheduling and
// supervision are off, as another process may do those.
// For latency the queue notifies; for everything else it doesn't, since each insert pays for that.
import { PgBoss } from 'pg-boss'

const MOST_WORKERS = 4

// Where jobs have unique keys, the queue's policy is `exclusive`: one with a key waits or runs.
export async function setup(url, { wakes, unique }) {
  const boss = await start(url, { migrate: true })
  await boss.createQueue('bench', { partition: true, ...(unique && { policy: 'exclusive' }) })
  await boss.updateQueue('bench', { notify: wakes })
  await boss.stop({ graceful: false })
}

export async function producer(url, { wakes }) {
  const boss = await start(url, { useListenNotify: wakes })
  return {
    inputs: (payloads, startAfter) =>
      payloads.map((data) => (startAfter === undefined ? { data } : { data, startAfter })),
    addMany: (inputs) => boss.insert('bench', inputs),
    add: (payload) => boss.send('bench', payload),
    addUnique: (payload, singletonKey) => boss.send('bench', payload, { singletonKey }),
    close: () => boss.stop({ graceful: false }),
  }
}

export async function worker(url, { concurrency, wakes }, onJob) {
  const boss = await start(url, { useListenNotify: wakes })
  const options = {
    batchSize: 1_000,
    burstWhenBatchFull: true,
    pollingIntervalSeconds: 0.5,
    localConcurrency: Math.min(concurrency, MOST_WORKERS),
  }
  await boss.work('bench', options, async (jobs) => {
    for (const { data } of jobs) onJob(data)
  })
  return () => boss.stop({ graceful: true })
}

async function start(url, options) {
  const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false, ...options })
  boss.on('error', (error) => console.error(error))
  await boss.start()
  return boss
}
