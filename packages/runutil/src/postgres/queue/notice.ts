import type { NewJob } from '../../queue/job-store.ts'
import type { Settlement } from '../../queue/outcome.ts'
import { MAX_AHEAD_MS, REQUEUED } from '../schema/1-queue/freeing.ts'

/** How many more jobs of a kind may be claimed, and in how many ms; a negative count: how many were claimed. */
export type JobCount = Readonly<Tally>

interface Tally {
  kind: string
  count: number
  inMs: number
}

/** The content of a notification: counts of jobs, or that any job may be ready. */
export type Notice = readonly JobCount[] | 'any'

/** In bytes; PostgreSQL allows 8,000, but a notification of many kinds concerns nearly every worker anyway. */
const LONGEST = 1_000
/** Jobs that fall due within this time count as due together. */
const MOMENT_MS = 250
/** The largest count that is believed. */
const MAX_COUNT = 1_000_000

export function countNew(jobs: readonly NewJob[], now: number): JobCount[] {
  const counts: Tally[] = []
  for (const { kind, runAt, delayMs = 0 } of jobs) {
    count(counts, kind, runAt === undefined ? delayMs : runAt.getTime() - now)
  }
  return sumCounts(counts)
}

/** Counts the jobs that are retried. */
export function countRetries(batch: readonly Settlement[], now: number): JobCount[] {
  const counts: Tally[] = []
  for (const { kind, outcome } of batch) {
    if (outcome.status !== 'PENDING') continue
    count(counts, kind, outcome.delayMs + (outcome.runAt === undefined ? 0 : outcome.runAt.getTime() - now))
  }
  return sumCounts(counts)
}

/** Most lists are of one kind, due now. */
function count(counts: Tally[], kind: string, inMs: number): void {
  if (inMs > MAX_AHEAD_MS) return
  const moment = inMs > 0 ? Math.ceil(inMs / MOMENT_MS) * MOMENT_MS : 0
  const last = counts[counts.length - 1]
  if (last?.kind === kind && last.inMs === moment) last.count++
  else counts.push({ kind, count: 1, inMs: moment })
}

/** Adds up counts of the same kind and time. */
export function sumCounts(all: readonly JobCount[]): JobCount[] {
  if (all.length < 2) return [...all]
  const sums = new Map<string, JobCount>()
  for (const each of all) {
    const key = `${each.inMs} ${each.kind}`
    sums.set(key, { ...each, count: each.count + (sums.get(key)?.count ?? 0) })
  }
  return [...sums.values()]
}

export function payloadOf(counts: readonly JobCount[]): string {
  const payload = JSON.stringify(counts.map(({ kind, count, inMs }) => [kind, count, inMs]))
  return payload.length <= LONGEST ? payload : ''
}

/** Whether the notification is of jobs that were claimed before. */
export function isOfRequeuedJobs(payload: string): boolean {
  return payload.startsWith(REQUEUED)
}

/** Any role may have sent it: a payload that can't be parsed means 'any'. */
export function noticeOf(payload: string): Notice {
  const counts = isOfRequeuedJobs(payload) ? payload.slice(REQUEUED.length) : payload
  if (!counts.startsWith('[')) return 'any'
  try {
    return (JSON.parse(counts) as [unknown, unknown, unknown][]).map(([kind, count, inMs]) => ({
      kind: String(kind),
      count: within(-MAX_COUNT, count, MAX_COUNT),
      inMs: within(0, inMs, MAX_AHEAD_MS),
    }))
  } catch {
    return 'any'
  }
}

function within(least: number, value: unknown, most: number): number {
  return Math.min(most, Math.max(least, Math.trunc(Number(value)) || 0))
}
