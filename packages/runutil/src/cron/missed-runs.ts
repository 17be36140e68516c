import type { Passed } from './cron-times.ts'

/**
 * What is run of the instants that passed: `once` the latest, however late; `skip` the latest if it is on time; `all` each,
 * oldest first.
 */
export type MissedPolicy = 'once' | 'skip' | 'all'

/** Of `all`, at most so many are run. */
export const MOST_MADE_UP = 100

/** @param isOnTime whether the latest of them is late by no more than the tolerance */
export function planRuns(
  { instants, count }: Passed,
  policy: MissedPolicy,
  isOnTime: boolean,
): { due: readonly number[]; missed: number } {
  const due =
    policy === 'all' ? instants.slice(-MOST_MADE_UP) : policy === 'once' || isOnTime ? instants.slice(-1) : []
  return { due, missed: count - due.length }
}

/** What waits to be run, with what is due now: no more than may be made up for. */
export function queueRuns(
  waiting: readonly number[],
  due: readonly number[],
): { waiting: number[]; missed: number } {
  const all = [...waiting, ...due]
  const kept = all.slice(-MOST_MADE_UP)
  return { waiting: kept, missed: all.length - kept.length }
}
