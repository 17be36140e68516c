import type { Facts } from './facts.ts'
import { grouped } from './grouped.ts'
import type { Hold, Holds } from './holds.ts'
import { LEASE_MS } from './lease.ts'
import type { Run } from './ledger.ts'
import { liveUntil } from './live-run.ts'
import { type Finding, none } from './report.ts'
import type { Span } from './worker-process.ts'

const REASONS = {
  kill: 'of which after a kill',
  freeze: 'of which after a freeze past the lease',
  outage: 'of which after a lease ran out while the database was away',
  putBack: 'of which after the handler gave up at a stop, or asked for it',
  slow: 'of which after a lease ran out for no known reason',
} as const

type Reason = keyof typeof REASONS

/** Why jobs ran more than once, and whether two runs of one were live at the same time. */
export function accountOfRuns(facts: Facts, holds: Holds): Finding[] {
  // Not by their starts: a process that was frozen may start one under a claim that is long over.
  const byClaim = facts.runs.toSorted((a, b) => a.claim - b.claim)
  const byJob = [...grouped(byClaim, ({ id }) => id).values()]
  const reruns = byJob.flatMap((runs) => runs.slice(1).map((run, at): Rerun => ({ before: runs[at]!, run })))
  const because = grouped(reruns, (rerun) => reasonOf(rerun, facts, holds))
  const late = facts.runs.filter((run) => isLate(run, holds))
  const unheld = late.filter((run) => !wasFrozen(run, facts, holds))
  return [
    { what: 'runs', count: facts.runs.length },
    { what: 'jobs that ran more than once', count: byJob.filter((runs) => runs.length > 1).length },
    { what: 'reruns', count: reruns.length },
    ...Object.entries(REASONS).map(([reason, what]) => ({
      what,
      count: because.get(reason as Reason)?.length ?? 0,
    })),
    none('unexplained reruns', (because.get(undefined) ?? []).map(inWords)),
    none(
      'overlapping runs of one job under live leases',
      reruns.filter((rerun) => isOverlap(rerun, facts, holds)).map(inWords),
    ),
    none('claimed while another claim held it', holds.doubled),
    {
      what: 'started after the lease, in a turn that a freeze cut in two',
      count: late.length - unheld.length,
    },
    none('started without a lease otherwise', unheld.map(runInWords)),
  ]
}

interface Rerun {
  readonly before: Run
  readonly run: Run
}

/**
 * Between two starts, the earlier claim must have ended in a way that lets the job run again, before the later one was
 * handed out. When it ended since its lease ran out, something has kept its process from renewing.
 */
function reasonOf({ before, run }: Rerun, { workers, outages }: Facts, holds: Holds): Reason | undefined {
  const hold = holdOf(before, holds)
  const next = holdOf(run, holds)
  if (hold === undefined || next === undefined || hold.claim >= next.claim || hold.until > next.from)
    return undefined
  if (hold.how === 'let go')
    return before.end === 'aborted' || before.end === 'retried' ? 'putBack' : undefined
  if (hold.how !== 'expired') return undefined
  const worker = workers.get(before.worker)!
  if (worker.diedWall <= hold.until) return 'kill'
  const unrenewed: Span = { from: hold.until - LEASE_MS, to: hold.until }
  if (worker.frozen.some((span) => overlap(span, unrenewed))) return 'freeze'
  return outages.some((span) => overlap(span, unrenewed)) ? 'outage' : 'slow'
}

function isOverlap({ before, run }: Rerun, { workers }: Facts, holds: Holds): boolean {
  const [until, nextUntil] = [before, run].map((one) => liveUntil(one, holdOf(one, holds), workers)) as [
    number,
    number,
  ]
  return before.startedAt < nextUntil && run.startedAt < until
}

/** Started when its claim held the job no more, or not yet. */
function isLate(run: Run, holds: Holds): boolean {
  const hold = holdOf(run, holds)
  return hold === undefined || run.startedWall + 1 < hold.from || run.startedWall > hold.until
}

/** A process can be frozen after it has looked at its lease and before its handler writes its first line. */
function wasFrozen(run: Run, { workers }: Facts, holds: Holds): boolean {
  const hold = holdOf(run, holds)
  if (hold?.how !== 'expired') return false
  const unrenewed = { from: hold.until - LEASE_MS, to: run.startedWall }
  return workers.get(run.worker)!.frozen.some((span) => overlap(span, unrenewed))
}

export function holdOf({ id, claim, worker }: Run, holds: Holds): Hold | undefined {
  return holds.of.get(id)?.find((hold) => hold.claim === claim && hold.worker === worker)
}

function overlap(a: Span, b: Span): boolean {
  return a.from <= b.to && b.from <= a.to
}

function inWords({ before, run }: Rerun): string {
  return `${runInWords(before)}, then ${runInWords(run)}`
}

function runInWords({ id, worker, claim, startedAt, endedAt, end }: Run): string {
  return `${id} by ${worker} under ${claim}, ${startedAt.toFixed(3)} to ${endedAt?.toFixed(3) ?? 'its death'}, ${end}`
}
