import type { NewJob } from '../../queue/job-store.ts'
import type { Settlement } from '../../queue/outcome.ts'
import { GIVEN_BACK } from '../schema/1-queue/freeing.ts'

/** So many more jobs of a kind may be claimed, in so many ms; fewer than none: so many were taken. */
export type JobCount = Readonly<Tally>

interface Tally {
  kind: string
  count: number
  inMs: number
}

/** What a notification tells: how many jobs, or that any may be ready. */
export type Notice = readonly JobCount[] | 'any'

/** The server takes 8,000 bytes; but many kinds at once concern nearly everybody. */
const LONGEST = 1_000
/** Of what is due later than this nobody is told: by then everybody has looked. */
const FURTHEST_MS = 60_000
/** What falls due within so long is one moment. */
const MOMENT_MS = 250
/** As much as anybody's word is taken for. */
const MOST = 1_000_000

export function countNew(jobs: readonly NewJob[], now: number): JobCount[] {
  const counts: Tally[] = []
  for (const { kind, runAt } of jobs) count(counts, kind, runAt === undefined ? 0 : runAt.getTime() - now)
  return together(counts)
}

/** Those that are to be run again. */
export function countPutOff(batch: readonly Settlement[], now: number): JobCount[] {
  const counts: Tally[] = []
  for (const { kind, outcome } of batch) {
    if (outcome.status !== 'PENDING') continue
    count(counts, kind, outcome.delayMs + (outcome.runAt === undefined ? 0 : outcome.runAt.getTime() - now))
  }
  return together(counts)
}

/** Most lists are of one kind, due now. */
function count(counts: Tally[], kind: string, inMs: number): void {
  if (inMs > FURTHEST_MS) return
  const moment = inMs > 0 ? Math.ceil(inMs / MOMENT_MS) * MOMENT_MS : 0
  const last = counts[counts.length - 1]
  if (last?.kind === kind && last.inMs === moment) last.count++
  else counts.push({ kind, count: 1, inMs: moment })
}

/** Adds up what is of one kind and moment. */
export function together(all: readonly JobCount[]): JobCount[] {
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

/** Whether it tells of jobs that were claimed before. */
export function isOfGivenBack(payload: string): boolean {
  return payload.startsWith(GIVEN_BACK)
}

/** Anybody may have sent it: what isn't understood may mean anything. */
export function noticeOf(payload: string): Notice {
  const counts = isOfGivenBack(payload) ? payload.slice(GIVEN_BACK.length) : payload
  if (!counts.startsWith('[')) return 'any'
  try {
    return (JSON.parse(counts) as [unknown, unknown, unknown][]).map(([kind, count, inMs]) => ({
      kind: String(kind),
      count: within(-MOST, count, MOST),
      inMs: within(0, inMs, FURTHEST_MS),
    }))
  } catch {
    return 'any'
  }
}

function within(least: number, value: unknown, most: number): number {
  return Math.min(most, Math.max(least, Math.trunc(Number(value)) || 0))
}
