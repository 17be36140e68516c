import { currentClock } from '../../core/context.ts'
import { unexpected } from '../../core/errors.ts'
import { checkOptions } from '../../core/options.ts'
import { wholeNumber } from '../../core/whole-number.ts'
import type { JobQueue } from '../../queue/job-queue.ts'
import type { JobQuery } from '../../queue/job-query.ts'
import { answeredWithin } from './answered-within.ts'
import type { Done, JobVerb } from './control.ts'
import { jobQueryIn, timeIn } from '../views/job-query-in.ts'
import { countMatching, queriesAsOf } from './matching-jobs.ts'
import { OpsError } from '../ops-error.ts'

/** What a call that concerns many jobs says, as it came. */
interface Asked {
  query?: unknown
  dryRun?: unknown
  asOf?: unknown
  count?: unknown
}

/** Changes one job. @throws OpsError; what the queue throws */
export async function controlJob(queue: JobQueue, id: string, verb: JobVerb): Promise<Done> {
  const changed = Number(await (verb === 'cancel' ? queue.cancel(id) : queue[verb](id)))
  if (changed > 0) return { status: 200, body: { id, changed } }
  const job = await queue.get(id)
  if (job === undefined) throw new OpsError(404, 'not-found', `there is no job with the id '${id}'`)
  throw new OpsError(409, 'not-now', `cannot ${verb} job '${id}': ${WHY_NOT[verb]}; it is ${job.status}`)
}

const WHY_NOT: Readonly<Record<JobVerb, string>> = {
  retry: 'only a FAILED or PANIC job can be retried',
  cancel: 'only a job that has not ended can be cancelled',
  delete: 'a job that runs can not be deleted; cancel it first',
}

/**
 * Changes all jobs that match a query: first counted by `{ query, dryRun: true }`, which answers `{ asOf, count }`, then changed by
 * `{ query, asOf, count }`, which answers `{ changed }` and leaves what came to match since as it is. Up to 100,000; see
 * `queriesAsOf` for what is known of a moment.
 *
 * @throws OpsError 409 when more than `count` match as of then, so that nobody changes what they haven't seen; what the queue throws
 */
export async function controlJobs(queue: JobQueue, verb: JobVerb, asked: unknown): Promise<Done> {
  const {
    query: given,
    dryRun,
    asOf,
    count,
  } = checkOptions(verb, asked as Asked, ['query', 'dryRun', 'asOf', 'count'])
  const query = jobQueryIn(given, `${verb}: query`)
  if (dryRun === true) return dryRunOf(queue, verb, query)
  if (dryRun !== undefined) throw unexpected(`${verb}: dryRun`, 'true, or nothing', dryRun)
  const seen = { asOf: timeIn(asOf, `${verb}: asOf`), count: wholeNumber(count, `${verb}: count`) }
  return answeredWithin(changeSeen(queue, verb, query, seen), { goesOn: true })
}

async function dryRunOf(queue: JobQueue, verb: JobVerb, query: JobQuery): Promise<Done> {
  const { count, newest } = await countMatching(queue, queriesAsOf(query, verb, undefined))
  const asOf = newest ?? new Date(currentClock().now())
  return { status: 200, body: { asOf: asOf.toISOString(), count } }
}

async function changeSeen(
  queue: JobQueue,
  verb: JobVerb,
  query: JobQuery,
  seen: { readonly asOf: Date; readonly count: number },
): Promise<Done> {
  const queries = queriesAsOf(query, verb, seen.asOf)
  const { count } = await countMatching(queue, queries, seen.count)
  if (count > seen.count) {
    const since = `more than ${seen.count} jobs match as of ${seen.asOf.toISOString()}`
    throw new OpsError(409, 'stale', `${since}; look again, and ask with the new count`)
  }
  let changed = 0
  for (const one of queries) changed += await queue[verb](one)
  return { status: 200, body: { changed } }
}
