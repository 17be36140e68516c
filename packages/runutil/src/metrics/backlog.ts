import type { KindStats } from '../queue/kind-stats.ts'

/** The jobs of the kinds that are called the same in labels. A count of a kind is 10,001 for more than 10,000. */
export interface Backlog {
  readonly name: string
  readonly states: Readonly<Record<BacklogState, number>>
  /** For how long the job that has been due for longest has been due; 0 if none is. */
  readonly oldestDueMs: number
  /** Whether an operator has paused one of them. */
  readonly isPaused: boolean
}

export const BACKLOG_STATES = ['waiting', 'blocked', 'running', 'failed'] as const
type BacklogState = (typeof BACKLOG_STATES)[number]

/**
 * @param stats what the store knows
 * @param kinds that this process runs: zeros of those that the store knows nothing of
 * @param nameOf what a kind is called in labels
 * @param now ms since the epoch
 */
export function backlogs(
  stats: readonly KindStats[],
  kinds: Iterable<string>,
  nameOf: (kind: string) => string,
  now: number,
): Backlog[] {
  const byName = new Map<string, SumOfKinds>()
  const sumOf = (kind: string): SumOfKinds => {
    const name = nameOf(kind)
    const known = byName.get(name)
    if (known !== undefined) return known
    const sum = {
      name,
      states: { waiting: 0, blocked: 0, running: 0, failed: 0 },
      oldestDueMs: 0,
      isPaused: false,
    }
    byName.set(name, sum)
    return sum
  }
  for (const one of stats) {
    const sum = sumOf(one.kind)
    for (const state of BACKLOG_STATES) sum.states[state] += one[state]
    if (one.oldestDueAt !== undefined)
      sum.oldestDueMs = Math.max(sum.oldestDueMs, now - one.oldestDueAt.getTime())
    sum.isPaused ||= one.paused
  }
  for (const kind of kinds) sumOf(kind)
  return [...byName.values()]
}

type SumOfKinds = { -readonly [Key in keyof Backlog]: Backlog[Key] } & {
  readonly states: Record<BacklogState, number>
}
