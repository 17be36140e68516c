import { Context, currentContext, currentName, withContext } from '../core/context.ts'
import { type Job, type JobFunc, callJob, checkJob } from '../core/job.ts'
import { checkOptions } from '../core/options.ts'
import { callWorker } from '../core/worker.ts'
import { type GroupJob, JobGroup } from './job-group.ts'
import { listOf } from './list-of.ts'
import { innerOf, nameOf } from './named.ts'
import { isInRun } from './tree-records.ts'
import { RUN_OPTIONS, type RunOptions, resolveRun } from './run-options.ts'

/**
 * Runs all jobs in parallel, once each. None is cancelled when another fails.
 *
 * @throws WorkerGroupError with the errors of all that failed. With an already aborted signal no job starts, and
 *   the signal's reason is the error of each.
 */
export async function runAllJobs(
  jobs: Iterable<Job | JobFunc>,
  signal?: AbortSignal,
  options: RunOptions = {},
): Promise<void> {
  const what = 'runAllJobs'
  const given = listOf(jobs, what, 'jobs')
  for (const [at, job] of given.entries()) checkJob(job, `${what}: jobs[${at}]`)
  const { scope, grace, during } = resolveRun(what, checkOptions(what, options, RUN_OPTIONS), signal)
  const name = currentName()
  const record = currentContext()?.record
  const members = given.map((job, at): GroupJob => {
    const run = (abort: AbortSignal): Promise<void> => callWorker((own) => callJob(job, own), abort)
    return {
      label: `${name}/${labelOf(job) ?? `#${at}`}`,
      start: (abort) => withContext(new Context(scope, name, record), run, abort),
    }
  })
  const { clock } = scope
  const keepsAlive = !isInRun(record)
  await during(() => new JobGroup({ jobs: members, signal, grace, clock, keepsAlive }).run())
}

/** Its name; else the name of its function or class, or of the job inside of it. */
function labelOf(job: Job | JobFunc): string | undefined {
  const inner = innerOf(job)
  const name =
    nameOf(job) ??
    (typeof inner === 'function' ? inner.name : (inner.constructor as { name?: string } | undefined)?.name)
  return name === '' || name === 'Object' ? undefined : name
}
