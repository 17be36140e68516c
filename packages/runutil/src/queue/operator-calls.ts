import { encodePayloads } from './codec.ts'
import { type RescheduleChange, type RetryChange, rescheduleChange, retryPayload } from './job-change.ts'
import { storedId } from './job-input.ts'
import type { JobQuery } from './job-query.ts'
import type { JobRetry } from './job-operations.ts'
import type { ObservedJobStore } from './observed-job-store.ts'
import { type ChosenJob, type WhichJobs, chooseJobs } from './which-jobs.ts'

/** How many jobs of unknown kind are looked up at once. */
const AT_ONCE = 100

/** As `JobQueue.cancel`. */
export async function cancelJobs(store: ObservedJobStore, which: WhichJobs): Promise<boolean | number> {
  if (typeof which === 'string') {
    const id = storedId(which)
    return id !== undefined && store.cancel(id)
  }
  const onlyWaiting = !Array.isArray(which) && (which as JobQuery | undefined)?.status === 'WAITING'
  return chooseJobs(store, which, 'cancel', (jobs) => {
    const open = jobs.filter(({ status = 'PENDING' }) => status === 'PENDING')
    return store.cancelJobs(idsOf(open), { onlyWaiting })
  })
}

/** As `JobQueue.delete`. */
export function deleteJobs(store: ObservedJobStore, which: WhichJobs): Promise<number> {
  return chooseJobs(store, which, 'delete', (jobs) => store.deleteJobs(idsOf(jobs)))
}

/** As `JobQueue.retry`. */
export async function retryJobs(
  store: ObservedJobStore,
  which: WhichJobs,
  change: RetryChange,
): Promise<number> {
  const payload = retryPayload(change, store.maxJson)
  return chooseJobs(store, which, 'retry', async (jobs) => {
    const failed = jobs.filter(({ status = 'FAILED' }) => status === 'FAILED' || status === 'PANIC')
    const retries =
      payload === undefined ? failed.map(({ id }) => ({ id })) : await withPayload(store, failed, payload)
    return (await store.retryJobs(retries)).length
  })
}

/** As `JobQueue.reschedule`. */
export async function rescheduleJob(
  store: ObservedJobStore,
  given: string,
  change: RescheduleChange,
): Promise<boolean> {
  const { payload, ...rest } = rescheduleChange(change, store.maxJson)
  const id = storedId(given)
  if (id === undefined) return false
  if (payload === undefined) return store.reschedule(id, rest)
  const [encoded] = await withPayload(store, [{ id }], payload)
  return encoded !== undefined && store.reschedule(id, { ...rest, payload: encoded.payload })
}

function idsOf(jobs: readonly ChosenJob[]): string[] {
  return jobs.map(({ id }) => id)
}

/** The payload encoded for each of the jobs; those that don't exist may be left out. */
async function withPayload(
  store: ObservedJobStore,
  chosen: readonly ChosenJob[],
  payload: string,
): Promise<(JobRetry & { readonly payload: string })[]> {
  const { codec, maxJson } = store
  if (codec === undefined) return chosen.map(({ id }) => ({ id, payload }))
  const jobs: { readonly id: string; readonly kind: string; readonly payload: string }[] = []
  for (let at = 0; at < chosen.length; at += AT_ONCE) {
    const found = await Promise.all(chosen.slice(at, at + AT_ONCE).map((job) => kindOf(job, store)))
    for (const { id, kind } of found) if (kind !== undefined) jobs.push({ id, kind, payload })
  }
  return encodePayloads(jobs, codec, maxJson)
}

/** A codec may bind what it encodes to the job's kind. */
async function kindOf(job: ChosenJob, store: ObservedJobStore): Promise<ChosenJob> {
  return job.kind === undefined ? { id: job.id, kind: (await store.get(job.id))?.kind } : job
}
