import type { Facts } from './facts.ts'
import { grouped } from './grouped.ts'
import type { Holds } from './holds.ts'
import type { Run } from './ledger.ts'
import { liveUntil } from './live-run.ts'
import { LIMITED } from './planned-job.ts'
import { holdOf } from './reasons.ts'
import type { Finding } from './report.ts'
import { LIMITS } from './settings.ts'

/**
 * The least time after its claim that the rate is kept for. Less a ms, which the wall clock doesn't tell. A worker that is
 * frozen just then may start a job later than that, and crowd a window.
 */
const PROMPT_MS = 24

/** Whether the limits of the kind that has them were kept at each instant. */
export function accountOfLimits({ runs, workers }: Facts, holds: Holds): Finding[] {
  const limited = runs.filter(({ kind }) => kind === LIMITED)
  const spans = limited.map((run) => ({
    key: run.key,
    from: run.startedAt,
    to: liveUntil(run, holdOf(run, holds), workers),
  }))
  const byKey = [...grouped(spans, ({ key }) => key).values()]
  const { concurrency, keyConcurrency, rate } = LIMITS
  // Of those that were given back without a start, the rate knows nothing.
  const claimedAt = limited.map((run) => holdOf(run, holds)!.from).sort((a, b) => a - b)
  const prompt = limited.filter((run) => run.startedWall - holdOf(run, holds)!.from < PROMPT_MS)
  const starts = (runs: readonly Run[]): number =>
    mostWithin(
      runs.map(({ startedAt }) => startedAt),
      rate.per,
    )
  return [
    { what: 'runs of a kind with limits', count: limited.length },
    { what: 'most of the kind at once', count: mostAtOnce(spans), atMost: concurrency },
    { what: 'most of one key at once', count: Math.max(0, ...byKey.map(mostAtOnce)), atMost: keyConcurrency },
    {
      what: `most claims that led to a start within ${rate.per} ms`,
      count: mostWithin(claimedAt, rate.per),
      atMost: rate.limit,
    },
    { what: `most prompt starts within ${rate.per} ms`, count: starts(prompt), atMost: rate.limit },
    { what: `most starts within ${rate.per} ms, prompt or not`, count: starts(limited) },
    { what: `starts more than ${PROMPT_MS} ms after the claim`, count: limited.length - prompt.length },
  ]
}

function mostAtOnce(spans: readonly { from: number; to: number }[]): number {
  const steps = spans
    .filter(({ from, to }) => from < to)
    .flatMap(({ from, to }) => [
      { at: from, by: 1 },
      { at: to, by: -1 },
    ])
    .sort((a, b) => a.at - b.at || a.by - b.by)
  let now = 0
  let most = 0
  for (const { by } of steps) most = Math.max(most, (now += by))
  return most
}

/** @param times in their order */
function mostWithin(times: readonly number[], windowMs: number): number {
  let first = 0
  let most = 0
  for (const [last, time] of times.entries()) {
    while (time - times[first]! >= windowMs) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}
