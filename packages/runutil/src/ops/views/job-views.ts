import type { Clock } from '../../core/clock.ts'
import type { JobQuery } from '../../queue/job-query.ts'
import type { JobQueue } from '../../queue/job-queue.ts'
import type { Progress } from '../../core/progress.ts'
import type { JobStatus, JobSummary, QueuedJob } from '../../queue/job.ts'
import { jsonValue } from './json-value.ts'
import { PAGE_FIELDS, boundsOf, checkFields, keyOf, limitOf, rangeOf } from './list-fields.ts'
import { OpsError } from '../ops-error.ts'
import type { OpsOptions } from '../ops-options.ts'
import type { Aged, Fields } from './read-model.ts'
import { SharedQueries } from './shared-queries.ts'
import { SharedQuery } from './shared-query.ts'
import { shownError, shownFields, shownPart } from './shown-part.ts'

const TIMES = ['createdAt', 'runAt', 'endedAt'] as const
const QUERY_FIELDS = ['kind', 'status', 'key', 'idPrefix', ...TIMES.flatMap(boundsOf), 'error.contains']
const LIMIT = { default: 50, max: 1_000 }
/** So much of an error's first line is in a list. */
const MOST_OF_A_LINE = 500

interface JobRows {
  readonly jobs: readonly object[]
  readonly next?: string
}

/** What can be seen of a queue. */
export class JobViews {
  readonly #queue: JobQueue
  readonly #redact: OpsOptions['redact']
  readonly #kinds: SharedQuery<readonly object[]>
  readonly #lists: SharedQueries<JobRows>
  readonly #jobs: SharedQueries<{ id: string } | undefined>

  constructor(queue: JobQueue, clock: Clock, redact: OpsOptions['redact']) {
    this.#queue = queue
    this.#redact = redact
    this.#kinds = new SharedQuery({ clock, what: 'kinds', query: () => queue.stats() })
    this.#lists = new SharedQueries(clock, 'jobs')
    this.#jobs = new SharedQueries(clock, 'job')
  }

  /** To be called when jobs or kinds have changed. */
  outdate(): void {
    for (const queries of [this.#kinds, this.#lists, this.#jobs]) queries.outdate()
  }

  async kinds(): Promise<Aged & { kinds: readonly object[] }> {
    const { value, at, ageMs } = await this.#kinds.ask()
    return { at, ageMs, kinds: value }
  }

  async list(fields: Fields): Promise<Aged & JobRows> {
    const given = checkFields(fields, 'jobs', [...QUERY_FIELDS, ...PAGE_FIELDS])
    const query = jobQueryOf(given)
    const page = { limit: limitOf(given, 'jobs', LIMIT), after: given['after'] }
    const { value, at, ageMs } = await this.#lists.ask(keyOf(given), async () => {
      const { jobs, next } = await this.#queue.listSummaries(query, page)
      return { jobs: jobs.map((job) => this.#row(job)), ...(next !== undefined && { next }) }
    })
    return { at, ageMs, ...value }
  }

  async job(id: string): Promise<Aged & { id: string }> {
    const { value, at, ageMs } = await this.#jobs.ask(id, async () => {
      const job = await this.#queue.get(id)
      // What is remembered is what is shown, not a payload of 4 MiB.
      return job && this.#whole(job)
    })
    if (value === undefined) throw new OpsError(404, 'not-found', `there is no job '${id.slice(0, 80)}'`)
    return { at, ageMs, ...value }
  }

  #row({ lastError, progress, ...rest }: JobSummary): object {
    const job = withOpenProgress(rest, progress)
    if (lastError === undefined) return job
    const [line = ''] = shownError(lastError, job, this.#redact).split('\n', 1)
    return { ...job, lastError: line.slice(0, MOST_OF_A_LINE) }
  }

  #whole({ payload, result, lastError, errors, progress, ...rest }: QueuedJob): { id: string } {
    const job = withOpenProgress(rest, progress)
    const redact = this.#redact
    const texts = errors?.map(({ message, ...error }) => {
      return { ...error, message: shownError(message, job, redact) }
    })
    return {
      ...(jsonValue(job) as { id: string }),
      ...shownFields('payload', shownPart(payload, job, 'payload', redact)),
      ...(result !== undefined && shownFields('result', shownPart(result, job, 'result', redact))),
      ...(lastError !== undefined && { lastError: shownError(lastError, job, redact) }),
      ...(texts !== undefined && { errors: texts }),
    }
  }
}

/** Of a job that is done, what was stored last is older than its end: it would be shown as done to 30 %. */
function withOpenProgress<J extends { readonly status: JobStatus }>(job: J, progress?: Progress): J {
  return progress === undefined || job.status === 'DONE' ? job : { ...job, progress }
}

/** The query that the fields of an address ask for. @throws InvalidArgumentError for a time that is none */
export function jobQueryOf(fields: Fields): JobQuery {
  const { kind, status, key, idPrefix } = fields
  const contains = fields['error.contains']
  return {
    kind,
    status: status?.toUpperCase() as JobQuery['status'],
    key,
    idPrefix,
    createdAt: rangeOf(fields, 'createdAt', 'jobs'),
    runAt: rangeOf(fields, 'runAt', 'jobs'),
    endedAt: rangeOf(fields, 'endedAt', 'jobs'),
    error: contains === undefined ? undefined : { contains },
  }
}
