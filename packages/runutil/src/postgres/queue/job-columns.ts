import type { ClaimOptions, Held, NewJob } from '../../queue/job-store.ts'
import { bytesOf } from '../../queue/payload-bytes.ts'
import type { Outcome, Settlement } from '../../queue/outcome.ts'
import { LateParam } from '../database/late-param.ts'
import { plainArray, textArray, unlessNone, unlessSame } from '../statements/array-literal.ts'

// Parameters of the functions in the schema, a list for each column. Those that say nothing new are left short.

export function newJobColumns(jobs: readonly NewJob[]): unknown[] {
  return [
    textArray(jobs.map(({ id }) => id)),
    unlessSame(
      jobs.map(({ kind }) => kind),
      textArray,
    ),
    textArray(jobs.map(({ payload }) => payload)),
    unlessNone(
      // What is over is taken for now, also where the database has no timestamp for it.
      jobs.map(({ runAt }) => runAt && Math.max(0, runAt.getTime())),
      plainArray,
    ),
    unlessNone(
      jobs.map(({ priority }) => priority || undefined),
      plainArray,
    ),
    unlessNone(
      jobs.map(({ key }) => key),
      textArray,
    ),
    unlessNone(
      jobs.map(({ payload }) => bytesOf(payload)),
      plainArray,
    ),
  ]
}

export function heldColumns(held: readonly Held[]): unknown[] {
  return [
    textArray(held.map(({ id }) => id)),
    unlessSame(
      held.map(({ claim }) => claim),
      plainArray,
    ),
  ]
}

/** @param frees whether it frees leases, and so has to know those that are held */
export function claimColumns(options: ClaimOptions, frees: boolean): unknown[] {
  const { holder, holding, maxCrashes, lastChance = true, maxBytes, orOne = true } = options
  return [
    holder ?? null,
    // Another worker of the process may get its claim while this one waits for a connection.
    frees && holding !== undefined ? new LateParam(() => plainArray([...holding])) : null,
    maxCrashes ?? null,
    lastChance,
    maxBytes ?? null,
    orOne,
  ]
}

export function settlementColumns(batch: readonly Settlement[]): unknown[] {
  const outcomes = batch.map(({ outcome }) => outcome)
  const again = outcomes.map((outcome) => (outcome.status === 'PENDING' ? outcome : undefined))
  const statuses = outcomes.map(({ status }) => (status === 'DONE' ? undefined : status))
  const results = outcomes.map((outcome) => (outcome.status === 'DONE' ? outcome.result : undefined))
  return [
    textArray(batch.map(({ id }) => id)),
    unlessSame(
      batch.map(({ claim }) => claim),
      plainArray,
    ),
    unlessNone(statuses, textArray),
    unlessNone(results, textArray),
    unlessNone(outcomes.map(errorOf), textArray),
    unlessNone(
      again.map((outcome) => outcome?.runAt && Math.max(0, outcome.runAt.getTime())),
      plainArray,
    ),
    unlessNone(
      again.map((outcome) => outcome?.delayMs),
      plainArray,
    ),
    unlessNone(
      outcomes.map((outcome) => (outcome.status === 'DONE' ? undefined : outcome.counted)),
      plainArray,
    ),
  ]
}

function errorOf(outcome: Outcome): string | undefined {
  return outcome.status === 'DONE' ? undefined : outcome.lastError
}
