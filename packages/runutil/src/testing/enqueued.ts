import { unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import type { JobQuery } from '../queue/job-query.ts'
import { JobQueue } from '../queue/job-queue.ts'
import type { QueuedJob } from '../queue/job.ts'

/** Which of the waiting jobs. */
export type EnqueuedQuery = Pick<JobQuery, 'kind' | 'key' | 'idPrefix'>

const AT_ONCE = 1_000

/**
 * The jobs that wait: for their time, for a worker, for a retry, or for other jobs. In the order in which they were enqueued.
 *
 * @throws InvalidArgumentError
 *
 * @example
 * const mails = await enqueued(queue, { kind: 'mail' })
 * assert.deepEqual(mails.map(({ payload }) => payload), [{ to: 'ada' }])
 */
export async function enqueued(queue: JobQueue, query: EnqueuedQuery = {}): Promise<QueuedJob[]> {
  checkOptions('enqueued', query, ['kind', 'key', 'idPrefix'])
  if (!(queue instanceof JobQueue)) throw unexpected('enqueued', 'a JobQueue', queue)
  const open = await allOf(queue, { ...query, status: 'PENDING' })
  const running = await allOf(queue, { ...query, status: 'RUNNING' })
  const isRunning = new Set(running.map(({ id }) => id))
  return open.filter(({ id }) => !isRunning.has(id)).toReversed()
}

async function allOf(queue: JobQueue, query: JobQuery): Promise<QueuedJob[]> {
  const all: QueuedJob[] = []
  let after: string | undefined
  do {
    const { jobs, next } = await queue.list(
      query,
      after === undefined ? { limit: AT_ONCE } : { limit: AT_ONCE, after },
    )
    all.push(...jobs)
    after = next
  } while (after !== undefined)
  return all
}
