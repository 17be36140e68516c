import type { Passed } from './cron-times.ts'

/**
 * Which of the instants that passed are run: `once` the latest, however late; `skip` the latest if it is on time; `all` every
 * one, oldest first.
 */
export type MissedPolicy = 'once' | 'skip' | 'all'

/** With `all`, at most this many instants are run late. */
export const MAX_LATE_RUNS = 100

/** @param isOnTime whether the latest instant is late by no more than the tolerance */
export function planRuns(
  { instants, count }: Passed,
  policy: MissedPolicy,
  isOnTime: boolean,
): { due: readonly number[]; missed: number } {
  const due =
    policy === 'all'
      ? instants.slice(-MAX_LATE_RUNS)
      : policy === 'once' || isOnTime
        ? instants.slice(-1)
        : []
  return { due, missed: count - due.length }
}

/** Adds the due instants to the waiting ones, and keeps the latest MAX_LATE_RUNS; the others are missed. */
export function queueRuns(
  waiting: readonly number[],
  due: readonly number[],
): { waiting: number[]; missed: number } {
  const all = [...waiting, ...due]
  const kept = all.slice(-MAX_LATE_RUNS)
  return { waiting: kept, missed: all.length - kept.length }
}
