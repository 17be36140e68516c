// Compiled against the built package, once for each way that TypeScript finds types; never run.
import {
  type Duration,
  type Runnable,
  Worker,
  type WorkerConfigurer,
  backoff,
  errorIs,
  repeat,
  runAllWorkers,
  WorkerGroupError,
} from 'runutil'
import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import {
  type ClaimedJob,
  type JobStore,
  JobQueue,
  MemoryJobStore,
  type QueuedJob,
  QueueWorker,
  RetryableError,
  defineJob,
} from 'runutil/queue'
import { Probe, VirtualClock, jobStoreConformance } from 'runutil/testing'

const every: Duration = '5s'
const polled = new Probe<string>('polled')
const worker: Worker = repeat(every, () => polled.hit('now'))

@Worker({ name: 'Polling' })
export class Polling implements WorkerConfigurer {
  workers(): Runnable[] {
    return [worker, { name: 'Retried', worker, retry: backoff({ initial: '1s', max: '1m' }) }]
  }
}

export const run: Promise<void> = runAllWorkers(new Polling().workers(), undefined, {
  clock: new VirtualClock(),
})
export const failed: boolean = errorIs(new Error(), WorkerGroupError)

async function jobs(): Promise<QueuedJob | undefined> {
  const database: Database = await openDatabase('memory:', { max: 2 })
  await migrate(database, { schema: 'jobs' })
  const stores: JobStore[] = [new PostgresJobStore(database, { schema: 'jobs' }), new MemoryJobStore()]
  const queue = new JobQueue(stores[0]!)
  const mail = defineJob({ kind: 'mail', concurrency: 2, rate: { limit: 1, per: every } })
  const queueWorker: Worker = new QueueWorker(queue, { lease: every })
    .register(mail, () => 'sent')
    .register('ping', async (job: ClaimedJob, signal: AbortSignal) => {
      if (signal.aborted) throw new RetryableError({ cause: job.payload, retryAfter: every })
      await database.transaction((tx) => queue.complete(job, 1, { tx }))
    })
  await queue.enqueue([mail.job({ id: '1', payload: 2 }), { id: '2', kind: 'ping', runAt: new Date() }])
  await runAllWorkers([queueWorker, { name: 'Mail', worker: queueWorker }])
  return queue.get('1')
}
export const checked: [typeof jobs, number] = [jobs, Object.keys(jobStoreConformance).length]

// What isn't found is `any`, and anything goes; so here nothing but the right type may.
// @ts-expect-error -- a job has no `at`
repeat(every, { at: 'noon' })
// @ts-expect-error -- a probe of strings
polled.hit(1)
// @ts-expect-error -- a queue is over a store
new JobQueue('memory:')
// @ts-expect-error -- a job has a kind
void new JobQueue(new MemoryJobStore()).enqueue({ id: '1' })
