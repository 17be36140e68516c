import { type JobCounts, type StoredPage, noJobs } from '../../queue/job-store.ts'
import type { AttemptError, JobStatus, JobSummary, LeasedJob, QueuedJob, UniqueKey } from '../../queue/job.ts'
import type { Progress } from '../../core/progress.ts'
import type { DependencyResult } from '../../queue/dependencies.ts'
import { isFinal } from '../../queue/outcome.ts'
import { SMALL_PAYLOAD, bytesOf } from '../../queue/payload-bytes.ts'
import { LINK } from '../schema/1-queue/links.ts'

/** A bigint, as the driver returns it. */
type Bigint = string | number | bigint

/** What `claim_jobs` returns of a job. Times in ms since the epoch. */
export type ClaimedRow = [
  id: string,
  kind: string,
  key: string | null,
  priority: number,
  runAt: Bigint,
  claim: Bigint,
  crashes: number,
  attemptsDone: number,
  createdAt: Bigint,
  updatedAt: Bigint,
  lastAttemptAt: Bigint | null,
  lastError: string | null,
  payload: string,
  rare: string | null,
  place: number | null,
]

export function toLeasedJob(row: ClaimedRow): LeasedJob {
  const payload = row[12]
  return leasedJob(row, JSON.parse(payload) as unknown, bytesOf(payload))
}

/** @param json a `ClaimedRow` as a list, with the payload itself, and then its length in bytes */
export function parsedJob(json: string): LeasedJob {
  const row = JSON.parse(json) as unknown[]
  const bytes = row[15] as number
  return leasedJob(row as unknown as ClaimedRow, row[12], bytes > SMALL_PAYLOAD ? bytes : undefined)
}

function leasedJob(row: ClaimedRow, payload: unknown, bytes: number | undefined): LeasedJob {
  const [id, kind, key, priority, runAt, claim, crashes, attemptsDone, createdAt, updatedAt] = row
  const lastAttemptAt = row[10]
  const lastError = row[11]
  const rare = row[13]
  const place = row[14]
  const job: Writable<LeasedJob> = {
    id,
    kind,
    runAt: moment(runAt),
    payload,
    status: 'PENDING',
    createdAt: moment(createdAt),
    updatedAt: moment(updatedAt),
    attemptsDone,
    claim: Number(claim),
    attempt: attemptsDone + 1,
    priority,
    crashes,
  }
  if (key !== null) job.key = key
  if (lastAttemptAt !== null) job.lastAttemptAt = moment(lastAttemptAt)
  if (lastError !== null) job.lastError = lastError
  if (bytes !== undefined) job.payloadBytes = bytes
  if (place !== null) job.place = place
  if (rare !== null) addRare(job, rare)
  return job
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** @param rare how many attempts aren't counted, or a traceparent and then perhaps that */
function addRare(job: Writable<LeasedJob>, rare: string): void {
  const [traceparent, uncounted] = rare.includes(' ')
    ? (rare.split(' ') as [string, string])
    : [undefined, rare]
  if (traceparent !== undefined) job.traceparent = traceparent
  job.attempt -= Number(uncounted)
}

/** What every list has of a job. */
export type SummaryRow = [
  id: string,
  kind: string,
  status: JobStatus,
  attemptsDone: number,
  runAt: number,
  createdAt: number,
  updatedAt: number,
  lastAttemptAt: number | null,
  lastError: string | null,
  priority: number,
  key: string | null,
  after: string | null,
  waitsFor: string | null,
  progress: string | null,
  uniqueKey: string | null,
  links: number | null,
]

export type JobRow = [
  ...summary: SummaryRow,
  payload: string,
  result: string | null,
  errors: string | null,
  traceparent: string | null,
]

/** A job of a page, and where the page ends; without jobs, all other columns are null. */
export type ListRow<R extends SummaryRow | JobRow> = [next: string | null, ...(R | [null])]

/** @param toJob what a row of the page becomes */
export function toPage<R extends SummaryRow | JobRow, J>(
  rows: readonly ListRow<R>[],
  toJob: (row: R) => J,
): StoredPage<J> {
  const jobs = rows.flatMap(([, ...row]) => (row[0] === null ? [] : toJob(row as R)))
  return { jobs, next: rows[0]![0] ?? undefined }
}

export function toQueuedJob(row: JobRow): QueuedJob {
  const payload = row[16]
  const result = row[17]
  const errors = row[18]
  const traceparent = row[19]
  return {
    ...toJobSummary(row),
    payload: JSON.parse(payload) as unknown,
    ...(result !== null && { result: JSON.parse(result) as unknown }),
    ...(errors !== null && { errors: toErrors(errors) }),
    ...(traceparent !== null && { traceparent }),
  }
}

export function toJobSummary(row: SummaryRow | JobRow): JobSummary {
  const [
    id,
    kind,
    status,
    attemptsDone,
    runAt,
    createdAt,
    updatedAt,
    lastAttemptAt,
    lastError,
    priority,
    key,
    after,
    waitsFor,
    progress,
    uniqueKey,
    links,
  ] = row
  return {
    id,
    kind,
    status,
    attemptsDone,
    priority,
    runAt: moment(runAt),
    createdAt: moment(createdAt),
    updatedAt: moment(updatedAt),
    ...(lastAttemptAt !== null && { lastAttemptAt: moment(lastAttemptAt) }),
    ...(lastError !== null && { lastError }),
    ...(key !== null && { key }),
    ...(isFinal(status) && { endedAt: moment(updatedAt) }),
    ...(after !== null && { after: JSON.parse(after) as string[] }),
    ...(after !== null &&
      waitsFor !== null &&
      waitsFor !== '[]' && { waitsFor: JSON.parse(waitsFor) as string[] }),
    ...(progress !== null && { progress: toProgress(progress) }),
    ...(uniqueKey !== null && { unique: toUniqueKey(uniqueKey, links ?? 0) }),
  }
}

export type DependencyRow = [id: string, kind: string, result: string | null]

export function toDependency([id, kind, result]: DependencyRow): DependencyResult {
  return { id, kind, result: result === null ? undefined : (JSON.parse(result) as unknown) }
}

export function progressJson({ done, total, note, at }: Progress): string {
  return JSON.stringify({ done, total, note, at: at.getTime() })
}

function toProgress(json: string): Progress {
  const { at, ...rest } = JSON.parse(json) as Omit<Progress, 'at'> & { at: number }
  return { ...rest, at: new Date(at) }
}

function toErrors(json: string): AttemptError[] {
  const errors = JSON.parse(json) as (Omit<AttemptError, 'at'> & { at: number })[]
  return errors.map(({ at, attempt, message }) => ({ at: moment(at), attempt, message }))
}

function toUniqueKey(key: string, links: number): UniqueKey {
  return { key, until: (links & LINK.uniqueUntilStarted) === 0 ? 'ended' : 'started' }
}

/** Rounds, since `date_part` may return slightly less than whole milliseconds. */
function moment(ms: Bigint): Date {
  return new Date(Math.round(Number(ms)))
}

/** How many jobs of a kind have a status; WAITING counts the PENDING jobs that no claim holds. */
export type CountRow = [kind: string, status: JobStatus | 'WAITING', count: number]

export function toCounts(rows: readonly CountRow[]): JobCounts {
  // A Map: a kind may be called '__proto__'.
  const counts = new Map(rows.map(([kind]) => [kind, noJobs()]))
  for (const [kind, status, count] of rows) {
    const ofKind = counts.get(kind)!
    if (status === 'WAITING') {
      ofKind.PENDING += count
      ofKind.RUNNING -= count
    } else {
      ofKind[status === 'PENDING' ? 'RUNNING' : status] += count
    }
  }
  return Object.fromEntries(counts)
}
