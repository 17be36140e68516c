import type { ClaimOptions, Held, NewJob } from '../../queue/job-store.ts'
import { bytesOf } from '../../queue/payload-bytes.ts'
import type { Outcome, Settlement } from '../../queue/outcome.ts'
import { LateParam } from '../database/late-param.ts'
import { jsonArray, plainArray, textArray, unlessNone, unlessSame } from '../statements/array-literal.ts'

// Parameters of the functions in the schema, a list for each column. Those that say nothing new are left short.

export function newJobColumns(jobs: readonly NewJob[]): unknown[] {
  const [ids, kinds, payloads]: [string[], string[], string[]] = [[], [], []]
  const [runAts, priorities, bytes] = [new Few<number>(), new Few<number>(), new Few<number>()]
  const keys = new Few<string>()
  for (const { id, kind, payload, runAt, priority, key } of jobs) {
    ids.push(id)
    kinds.push(kind)
    payloads.push(payload)
    // What is over is taken for now, also where the database has no timestamp for it.
    runAts.push(runAt && Math.max(0, runAt.getTime()))
    priorities.push(priority || undefined)
    keys.push(key)
    bytes.push(bytesOf(payload))
  }
  return [
    textArray(ids),
    unlessSame(kinds, textArray),
    jsonArray(payloads),
    runAts.array(plainArray),
    priorities.array(plainArray),
    keys.array(textArray),
    bytes.array(plainArray),
  ]
}

/** A column that mostly says nothing. */
class Few<T> {
  readonly #values: (T | undefined)[] = []
  #isEmpty = true

  push(value: T | undefined): void {
    this.#values.push(value)
    if (value !== undefined) this.#isEmpty = false
  }

  /** Empty when no value is given. */
  array(array: (values: readonly (T | undefined)[]) => string): string {
    return this.#isEmpty ? '{}' : array(this.#values)
  }
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
    unlessNone(results, jsonArray),
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
