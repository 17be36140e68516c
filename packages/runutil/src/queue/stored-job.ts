import type { Progress } from '../core/progress.ts'
import type { ClaimedJob, JobStatus, QueuedJob } from './job.ts'
import { type JobCounts, type NewJob, noJobs } from './job-store.ts'
import type { ClockSet } from './memory-time.ts'
import { type Outcome, isFinal } from './outcome.ts'
import { bytesOf } from './payload-bytes.ts'

/** A job in memory: its columns, as a table would have them. Times in ms since the epoch. */
export interface StoredJob {
  readonly id: string
  readonly kind: string
  readonly key: string | undefined
  readonly priority: number
  readonly seq: number
  /** JSON, so that later changes to the caller's object don't change the job. */
  readonly payload: string
  readonly createdAt: number
  runAt: number
  /** Whether `runAt` is a delay from some moment; otherwise it is a time of day. */
  delayed: boolean
  status: JobStatus
  updatedAt: number
  result: string | undefined
  attemptsDone: number
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
}

export function newStoredJob(job: NewJob, seq: number, now: number): StoredJob {
  return {
    id: job.id,
    kind: job.kind,
    key: job.key,
    priority: job.priority,
    seq,
    payload: job.payload,
    createdAt: now,
    updatedAt: now,
    runAt: Math.max(now, job.runAt?.getTime() ?? now) + (job.delayMs ?? 0),
    delayed: job.delayMs !== undefined,
    status: 'PENDING',
    result: undefined,
    attemptsDone: 0,
    lastAttemptAt: undefined,
    lastError: undefined,
    progress: undefined,
    claim: undefined,
    claimedAt: 0,
    crashes: 0,
    freedFrom: undefined,
  }
}

/** The order of claiming. */
export function byUrgency(a: StoredJob, b: StoredJob): number {
  return b.priority - a.priority || a.runAt - b.runAt || a.seq - b.seq
}

export function toQueuedJob(job: StoredJob): QueuedJob {
  const { progress } = job
  if (progress === undefined) return atStart(job)
  return { ...atStart(job), progress: { ...progress, at: new Date(progress.at) } }
}

/** Without the progress, which is that of an earlier attempt when the job is claimed. */
function atStart(job: StoredJob): QueuedJob {
  return {
    id: job.id,
    kind: job.kind,
    runAt: new Date(job.runAt),
    payload: JSON.parse(job.payload) as unknown,
    status: job.status,
    createdAt: new Date(job.createdAt),
    updatedAt: new Date(job.updatedAt),
    attemptsDone: job.attemptsDone,
    ...(job.result !== undefined && { result: JSON.parse(job.result) as unknown }),
    ...(job.lastAttemptAt !== undefined && { lastAttemptAt: new Date(job.lastAttemptAt) }),
    ...(job.lastError !== undefined && { lastError: job.lastError }),
  }
}

export function toClaimedJob(job: StoredJob): ClaimedJob {
  const { claim, priority, key, crashes } = job
  const payloadBytes = bytesOf(job.payload)
  return {
    ...atStart(job),
    claim: claim!,
    priority,
    crashes,
    ...(key !== undefined && { key }),
    ...(payloadBytes !== undefined && { payloadBytes }),
  }
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
export function record(job: StoredJob, outcome: Outcome, now: number): void {
  const counted = outcome.status === 'DONE' || (outcome.counted ?? true)
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
  job.runAt = Math.max(now, outcome.runAt?.getTime() ?? now) + outcome.delayMs
  job.delayed = outcome.runAt === undefined
}

/** The clock was set: a due job stays due, and a delay stays as long as before. */
export function moveTime(job: StoredJob, { byMs, before, now }: ClockSet): void {
  if (job.delayed) job.runAt += byMs
  else if (job.runAt <= before) job.runAt = Math.min(job.runAt, now)
}
