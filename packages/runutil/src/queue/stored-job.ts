import type { Progress } from '../core/progress.ts'
import type { DependencyResult, JobDependencies } from './dependencies.ts'
import {
  type AttemptError,
  type JobStatus,
  type JobSummary,
  LONGEST_SUMMARY_ERROR,
  type LeasedJob,
  type QueuedJob,
  type UniqueKey,
} from './job.ts'
import { type JobCounts, type NewJob, noJobs } from './job-store.ts'
import type { ClockSet } from './memory-time.ts'
import { LONGEST_ERROR, MOST_ERRORS, type Settlement, errorOf, isFinal } from './outcome.ts'
import { bytesOf } from './payload-bytes.ts'

/** A job in memory: its columns, as a table would have them. Times in ms since the epoch. */
export interface StoredJob {
  readonly id: string
  readonly kind: string
  readonly unique: UniqueKey | undefined
  key: string | undefined
  priority: number
  readonly seq: number
  /** JSON, so that later changes to the caller's object don't change the job. */
  payload: string
  readonly createdAt: number
  runAt: number
  /** Whether `runAt` is a delay from some moment; otherwise it is a time of day. */
  delayed: boolean
  status: JobStatus
  updatedAt: number
  result: string | undefined
  attemptsDone: number
  /** How many of them `attempt` doesn't count. */
  uncounted: number
  errors: readonly AttemptError[]
  lastAttemptAt: number | undefined
  lastError: string | undefined
  progress: Progress | undefined
  /** The claim that holds the job; for an ended job, the claim that ended it. */
  claim: number | undefined
  claimedAt: number
  /** In a row. */
  crashes: number
  /** The claim whose lease expired, until another claim takes the job. */
  freedFrom: number | undefined
  after: JobDependencies | undefined
  /** Those of them that it still waits for, failed ones too. */
  waitsFor: Set<string>
  /** Of a job that ended while it waited for others: the one that failed first, or itself if it was cancelled. */
  failedBy: string | undefined
  traceparent: string | undefined
}

export function newStoredJob(job: NewJob, seq: number, now: number): StoredJob {
  return {
    id: job.id,
    kind: job.kind,
    unique: job.unique,
    key: job.key,
    priority: job.priority,
    seq,
    payload: job.payload,
    createdAt: now,
    updatedAt: now,
    runAt: runTime(job, now),
    delayed: job.delayMs !== undefined,
    status: 'PENDING',
    result: undefined,
    attemptsDone: 0,
    uncounted: 0,
    errors: [],
    lastAttemptAt: undefined,
    lastError: undefined,
    progress: undefined,
    claim: undefined,
    claimedAt: 0,
    crashes: 0,
    freedFrom: undefined,
    after: job.after,
    waitsFor: new Set(job.after?.ids),
    failedBy: undefined,
    traceparent: job.traceparent,
  }
}

/** When a job runs that is stored now. */
export function runTime({ runAt, delayMs = 0 }: NewJob, now: number): number {
  return Math.max(now, runAt?.getTime() ?? now) + delayMs
}

/** The order of claiming. */
export function byUrgency(a: StoredJob, b: StoredJob): number {
  return b.priority - a.priority || a.runAt - b.runAt || a.seq - b.seq
}

export function toQueuedJob(job: StoredJob): QueuedJob {
  const { errors } = job
  return {
    ...linkedParts(job),
    ...atStart(job),
    ...(errors.length > 0 && { errors: errors.map((error) => ({ ...error, at: new Date(error.at) })) }),
  }
}

export function toJobSummary(job: StoredJob): JobSummary {
  const { lastError } = job
  return {
    ...linkedParts(job),
    ...ownParts(job),
    ...(lastError !== undefined && { lastError: firstCharacters(lastError, LONGEST_SUMMARY_ERROR) }),
  }
}

function linkedParts(job: StoredJob): Pick<QueuedJob, 'after' | 'waitsFor' | 'progress' | 'unique'> {
  const { progress, after, waitsFor, unique } = job
  return {
    ...(after !== undefined && { after: [...after.ids] }),
    ...(waitsFor.size > 0 && !isFinal(job.status) && { waitsFor: [...waitsFor] }),
    ...(progress !== undefined && { progress: { ...progress, at: new Date(progress.at) } }),
    ...(unique !== undefined && { unique: { ...unique } }),
  }
}

/** Without the progress and the errors of earlier attempts. */
function atStart(job: StoredJob): QueuedJob {
  return {
    ...ownParts(job),
    payload: JSON.parse(job.payload) as unknown,
    ...(job.result !== undefined && { result: JSON.parse(job.result) as unknown }),
    ...(job.lastError !== undefined && { lastError: job.lastError }),
    ...(job.traceparent !== undefined && { traceparent: job.traceparent }),
  }
}

function ownParts(job: StoredJob): Omit<JobSummary, 'lastError'> {
  return {
    id: job.id,
    kind: job.kind,
    runAt: new Date(job.runAt),
    status: job.status,
    createdAt: new Date(job.createdAt),
    updatedAt: new Date(job.updatedAt),
    attemptsDone: job.attemptsDone,
    priority: job.priority,
    ...(job.key !== undefined && { key: job.key }),
    ...(isFinal(job.status) && { endedAt: new Date(job.updatedAt) }),
    ...(job.lastAttemptAt !== undefined && { lastAttemptAt: new Date(job.lastAttemptAt) }),
  }
}

export function toLeasedJob(job: StoredJob): LeasedJob {
  const { claim, crashes, attemptsDone, uncounted } = job
  const payloadBytes = bytesOf(job.payload)
  return {
    ...atStart(job),
    claim: claim!,
    attempt: attemptsDone - uncounted + 1,
    crashes,
    ...(payloadBytes !== undefined && { payloadBytes }),
  }
}

export function toDependencyResult({ id, kind, result }: StoredJob): DependencyResult {
  return { id, kind, result: result === undefined ? undefined : (JSON.parse(result) as unknown) }
}

export function countJobs(jobs: Iterable<StoredJob>): JobCounts {
  // A Map: a kind may be called '__proto__'.
  const counts = new Map<string, JobCounts[string]>()
  for (const { kind, status, claim } of jobs) {
    const ofKind = counts.get(kind) ?? noJobs()
    ofKind[status === 'PENDING' && claim !== undefined ? 'RUNNING' : status]++
    counts.set(kind, ofKind)
  }
  return Object.fromEntries(counts)
}

/** Records how an attempt ended. */
export function record(job: StoredJob, settlement: Settlement, now: number): void {
  const { outcome } = settlement
  const counted = outcome.status === 'DONE' || (outcome.counted ?? true)
  addError(job, settlement, now)
  if (counted) {
    job.attemptsDone++
    job.lastAttemptAt = job.claimedAt
  }
  job.crashes = 0
  job.status = outcome.status
  job.updatedAt = now
  job.result = outcome.status === 'DONE' ? outcome.result : undefined
  job.lastError = outcome.status === 'DONE' ? undefined : outcome.lastError
  // An ended job keeps its claim, so that settling it twice succeeds.
  if (!isFinal(outcome.status)) job.claim = undefined
  if (outcome.status !== 'PENDING') return
  if (outcome.counted && outcome.stopped) job.uncounted++
  job.runAt = Math.max(now, outcome.runAt?.getTime() ?? now) + outcome.delayMs
  job.delayed = outcome.runAt === undefined
}

function addError(job: StoredJob, settlement: Settlement, now: number): void {
  const error = errorOf(settlement)
  if (error === undefined) return
  const message = firstCharacters(error, LONGEST_ERROR)
  const added = { at: new Date(now), attempt: settlement.attempt, message }
  job.errors = [...job.errors, added].slice(-MOST_ERRORS)
}

/** Whole ones, as a database cuts. */
function firstCharacters(text: string, count: number): string {
  return Array.from(text.slice(0, 2 * count))
    .slice(0, count)
    .join('')
}

/** The clock was set: a due job stays due, and a delay stays as long as before. */
export function moveTime(job: StoredJob, { byMs, before, now }: ClockSet): void {
  if (job.delayed) job.runAt += byMs
  else if (job.runAt <= before) job.runAt = Math.min(job.runAt, now)
}
