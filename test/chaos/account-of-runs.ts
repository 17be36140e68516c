import type { Facts } from './facts.ts'
import { grouped } from './grouped.ts'
import type { Holds } from './holds.ts'
import type { Run } from './ledger.ts'
import { liveUntil } from './live-run.ts'
import { EXPIRIES, type Expiry, expiryOf, holdOf, overlap } from './reasons.ts'
import { type Finding, none } from './report.ts'
import { LEASE_MS } from './settings.ts'

const REASONS = {
  ...EXPIRIES,
  putBack: 'of which after the handler gave up at a stop, or asked for it',
} as const

/** Why jobs ran more than once, and whether two runs of one were live at the same time. */
export function accountOfRuns(facts: Facts, holds: Holds): Finding[] {
  // Not by their starts: a process that was frozen may start one under a claim that is long over.
  const byClaim = facts.runs.toSorted((a, b) => a.claim - b.claim)
  const byJob = [...grouped(byClaim, ({ id }) => id).values()]
  const reruns = byJob.flatMap((runs) => runs.slice(1).map((run, at): Rerun => ({ before: runs[at]!, run })))
  const because = grouped(reruns, (rerun) => reasonOf(rerun, facts, holds))
  return [
    { what: 'runs', count: facts.runs.length },
    { what: 'jobs that ran more than once', count: byJob.filter((runs) => runs.length > 1).length },
    { what: 'reruns', count: reruns.length },
    ...Object.entries(REASONS).map(([reason, what]) => ({
      what,
      count: because.get(reason as keyof typeof REASONS)?.length ?? 0,
    })),
    none(
      'unexplained reruns',
      (because.get(undefined) ?? []).map((rerun) => inWords(rerun, holds)),
    ),
    ...accountOfOverlaps(reruns, facts, holds),
    ...accountOfStarts(facts, holds),
  ]
}

interface Rerun {
  readonly before: Run
  readonly run: Run
}

/**
 * Between two starts, the earlier claim must have ended in a way that lets the job run again, before the later one was
 * handed out. When it ended since its lease ran out, something has kept its process from renewing, and another process
 * has freed it.
 */
function reasonOf({ before, run }: Rerun, facts: Facts, holds: Holds): Expiry | 'putBack' | undefined {
  const hold = holdOf(before, holds)
  const next = holdOf(run, holds)
  if (hold === undefined || next === undefined || hold.claim >= next.claim || hold.until > next.from)
    return undefined
  if (hold.how === 'let go')
    return before.end === 'aborted' || before.end === 'retried' ? 'putBack' : undefined
  return expiryOf(hold, facts)
}

function accountOfOverlaps(reruns: readonly Rerun[], facts: Facts, holds: Holds): Finding[] {
  const { workers } = facts
  const live = ({ before, run }: Rerun): boolean => {
    const until = liveUntil(before, holdOf(before, holds), workers)
    return before.startedAt < liveUntil(run, holdOf(run, holds), workers) && run.startedAt < until
  }
  const endOf = (run: Run): number => run.endedAt ?? workers.get(run.worker)!.diedAt
  const inOneProcess = ({ before, run }: Rerun): boolean =>
    before.worker === run.worker && before.startedAt < endOf(run) && run.startedAt < endOf(before)
  const such = (isSuch: (rerun: Rerun) => boolean): string[] =>
    reruns.filter(isSuch).map((rerun) => inWords(rerun, holds))
  return [
    none('overlapping runs of one job under live leases', such(live)),
    none('overlapping runs of one job in one process', such(inOneProcess)),
    none('claimed while another claim held it', holds.doubled),
  ]
}

function accountOfStarts(facts: Facts, holds: Holds): Finding[] {
  const late = facts.runs.filter((run) => isLate(run, holds))
  const unheld = late.filter((run) => !wasHeldUp(run, facts, holds))
  return [
    {
      what: 'started after the lease, in a turn that a freeze cut in two',
      count: late.length - unheld.length,
    },
    none(
      'started without a lease otherwise',
      unheld.map((run) => runInWords(run, holds)),
    ),
  ]
}

/** Started when its claim held the job no more, or not yet. */
function isLate(run: Run, holds: Holds): boolean {
  const hold = holdOf(run, holds)
  return hold === undefined || run.startedWall + 1 < hold.from || run.startedWall > hold.until
}

/** A process can be frozen after it has looked at its lease and before its handler writes its first line. */
function wasHeldUp(run: Run, { workers }: Facts, holds: Holds): boolean {
  const hold = holdOf(run, holds)
  if (hold?.how !== 'expired') return false
  const unrenewed = { from: hold.until - LEASE_MS, to: run.startedWall }
  const { frozen, stalls } = workers.get(run.worker)!
  return [...frozen, ...stalls].some((span) => overlap(span, unrenewed))
}

function inWords({ before, run }: Rerun, holds: Holds): string {
  return `${runInWords(before, holds)}, then ${runInWords(run, holds)}`
}

function runInWords(run: Run, holds: Holds): string {
  const { id, worker, claim, startedAt, endedAt, end } = run
  const hold = holdOf(run, holds)
  const fate =
    hold === undefined ? 'not held' : `${hold.how}${hold.freedBy ? `, freed by ${hold.freedBy}` : ''}`
  const to = endedAt?.toFixed(3) ?? 'its death'
  return `${id} by ${worker} under ${claim} (${fate}), ${startedAt.toFixed(3)} to ${to}, ${end}`
}
