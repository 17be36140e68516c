import { isBlocked } from './memory-dependencies.ts'
import { MINUTE_MS } from './job-minutes.ts'
import { type KindStats, MOST_COUNTED, combinedLimits, lastMinutes, percentilesOf } from './kind-stats.ts'
import type { MemoryMinutes } from './memory-minutes.ts'
import type { MemoryRules } from './memory-rules.ts'
import type { StoredJob } from './stored-job.ts'

export interface MemoryStatsProps {
  readonly jobs: Iterable<StoredJob>
  readonly minutes: MemoryMinutes
  readonly rules: MemoryRules
  readonly paused: ReadonlySet<string>
  readonly now: number
}

interface Counts {
  waiting: number
  blocked: number
  due: number
  running: number
  failed: number
  oldestDueAt: number
}

/** As `JobStore.stats`, of the jobs of a MemoryJobStore. */
export function memoryStats({ jobs, minutes, rules, paused, now }: MemoryStatsProps): KindStats[] {
  const counts = countsByKind(jobs, now)
  const current = Math.floor(now / MINUTE_MS)
  const kinds = [...counts.keys(), ...minutes.kinds(current), ...rules.limitedKinds(now), ...paused]
  return [...new Set(kinds)].sort().map((kind): KindStats => {
    const { waiting, blocked, due, running, failed, oldestDueAt } = counts.get(kind) ?? noCounts()
    const hour = minutes.hour(kind, current)
    const handleMs = percentilesOf(hour.handle)
    const waitMs = percentilesOf(hour.wait)
    return {
      kind,
      waiting: capped(waiting),
      blocked: capped(blocked),
      due: capped(due),
      running: capped(running),
      failed: capped(failed),
      ...(oldestDueAt < Infinity && { oldestDueAt: new Date(oldestDueAt) }),
      paused: paused.has(kind),
      limits: combinedLimits(rules.limits(kind, now)),
      perMinute: lastMinutes(current, hour.minutes),
      ...(handleMs !== undefined && { handleMs }),
      ...(waitMs !== undefined && { waitMs }),
    }
  })
}

/** Of kinds that have jobs which aren't DONE. */
function countsByKind(jobs: Iterable<StoredJob>, now: number): Map<string, Counts> {
  const counts = new Map<string, Counts>()
  for (const job of jobs) {
    const { kind, status, claim, runAt } = job
    if (status === 'DONE') continue
    const ofKind = counts.get(kind) ?? noCounts()
    counts.set(kind, ofKind)
    if (status !== 'PENDING') ofKind.failed++
    else if (claim !== undefined) ofKind.running++
    else if (isBlocked(job)) ofKind.blocked++
    else ofKind.waiting++
    if (status !== 'PENDING' || claim !== undefined || isBlocked(job) || runAt > now) continue
    ofKind.due++
    ofKind.oldestDueAt = Math.min(ofKind.oldestDueAt, runAt)
  }
  return counts
}

function noCounts(): Counts {
  return { waiting: 0, blocked: 0, due: 0, running: 0, failed: 0, oldestDueAt: Infinity }
}

function capped(count: number): number {
  return Math.min(count, MOST_COUNTED)
}
