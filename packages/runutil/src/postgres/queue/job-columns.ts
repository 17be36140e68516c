import type { ClaimOptions } from '../../queue/claim-options.ts'
import type { Held, NewJob } from '../../queue/job-store.ts'
import type { Progress } from '../../core/progress.ts'
import { progressJson } from './job-rows.ts'
import { SMALL_PAYLOAD, bytesOf } from '../../queue/payload-bytes.ts'
import { type Settlement, errorOf } from '../../queue/outcome.ts'
import { LateParam } from '../database/late-param.ts'
import type { LinkedJob } from './linked-job.ts'
import { jsonArray, plainArray, textArray, unlessSame } from '../statements/array-literal.ts'

/** Fewer jobs a range than this are settled by their ids. */
const JOBS_A_RANGE = 4

// Parameters of the functions in the schema, a list per column. Lists without further information are short.

export function newJobColumns(jobs: readonly NewJob[]): unknown[] {
  const ids: string[] = []
  const kinds: string[] = []
  const payloads: string[] = []
  const runAts = new Few<number>(jobs)
  const delays = new Few<number>(jobs)
  const priorities = new Few<number>(jobs)
  const bytes = new Few<number>(jobs)
  const keys = new Few<string>(jobs)
  for (let at = 0; at < jobs.length; at++) {
    const { id, kind, payload, runAt, delayMs, priority, key } = jobs[at]!
    ids.push(id)
    kinds.push(kind)
    payloads.push(payload)
    // Most jobs have none of these, and a list may be long.
    // A time in the past counts as now, also one that the database can't store.
    if (runAt !== undefined) runAts.set(at, Math.max(0, runAt.getTime()))
    if (delayMs !== undefined) delays.set(at, delayMs)
    if (priority !== 0) priorities.set(at, priority)
    if (key !== undefined) keys.set(at, key)
    if (payload.length > SMALL_PAYLOAD) bytes.set(at, bytesOf(payload))
  }
  return [
    textArray(ids),
    unlessSame(kinds, textArray),
    jsonArray(payloads),
    runAts.array(plainArray),
    priorities.array(plainArray),
    keys.array(textArray),
    bytes.array(plainArray),
    delays.array(plainArray),
  ]
}

/** The last parameter of the functions that enqueue jobs, as a list; empty if no job has a traceparent. */
export function traceColumn(jobs: readonly NewJob[]): [traceparents?: string] {
  const isTraced = jobs.some(({ traceparent }) => traceparent !== undefined)
  if (!isTraced) return []
  return [
    unlessSame(
      jobs.map(({ traceparent }) => traceparent),
      textArray,
    ),
  ]
}

/** What `enqueue_linked_jobs` takes beside these. */
export function linkedJobColumns(jobs: readonly LinkedJob[]): unknown[] {
  const uniqueKeys = new Few<string>(jobs)
  const untilStarted = new Few<boolean>(jobs)
  const maxDelays = new Few<number>(jobs)
  const encodedFor = new Few<string>(jobs)
  const after = new Few<string>(jobs)
  const onEnd = new Few<boolean>(jobs)
  for (let at = 0; at < jobs.length; at++) {
    const { job, maxDelayMs } = jobs[at]!
    uniqueKeys.set(at, job.unique?.key)
    untilStarted.set(at, job.unique && job.unique.until === 'started')
    maxDelays.set(at, maxDelayMs)
    encodedFor.set(at, job.encodedFor)
    after.set(at, job.after && JSON.stringify(job.after.ids))
    onEnd.set(at, job.after && job.after.on === 'end')
  }
  return [
    uniqueKeys.array(textArray),
    untilStarted.array(plainArray),
    unlessSame(
      jobs.map(({ onExists }) => onExists),
      textArray,
    ),
    maxDelays.array(plainArray),
    encodedFor.array(textArray),
    after.array(textArray),
    onEnd.array(plainArray),
  ]
}

/** A column in which few rows have a value. */
class Few<T> {
  readonly #rows: readonly unknown[]
  #values: (T | undefined)[] | undefined

  constructor(rows: readonly unknown[]) {
    this.#rows = rows
  }

  set(at: number, value: T | undefined): void {
    if (value === undefined) return
    this.#values ??= new Array<T | undefined>(this.#rows.length).fill(undefined)
    this.#values[at] = value
  }

  /** Empty when no row has a value; the function fills it up. */
  array(array: (values: readonly (T | undefined)[]) => string): string {
    return this.#values === undefined ? '{}' : array(this.#values)
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

export function progressColumn(held: readonly Held[], progress: ReadonlyMap<Held, Progress>): string {
  const texts = new Few<string>(held)
  if (progress.size > 0) {
    for (const [at, one] of held.entries()) {
      const reported = progress.get(one)
      texts.set(at, reported && progressJson(reported))
    }
  }
  return texts.array(jsonArray)
}

/** @param frees whether the claim frees leases, and so needs those that are held */
export function claimColumns(options: ClaimOptions, frees: boolean): unknown[] {
  const {
    holder,
    holding,
    maxCrashes,
    lastChance = true,
    maxBytes,
    orOne = true,
    startable,
    waitMs = 0,
  } = options
  return [
    holder ?? null,
    // Read late: another worker of the process may claim while this statement waits for a connection.
    frees && holding !== undefined ? new LateParam(() => plainArray([...holding])) : null,
    maxCrashes ?? null,
    lastChance,
    maxBytes ?? null,
    orOne,
    startable ?? null,
    waitMs,
  ]
}

/**
 * Where the jobs of a batch are within their claims, as ranges; undefined unless all are DONE, their places are known and lie
 * together.
 */
export function placeColumns(batch: readonly Settlement[]): unknown[] | undefined {
  if (batch.some(({ place, outcome }) => place === undefined || outcome.status !== 'DONE')) return undefined
  const sorted = batch.toSorted((a, b) => a.claim - b.claim || a.place! - b.place!)
  const claims: number[] = []
  const firsts: number[] = []
  const lasts: number[] = []
  const results = new Few<string>(batch)
  for (const [at, { claim, place, outcome }] of sorted.entries()) {
    if (outcome.status === 'DONE') results.set(at, outcome.result)
    const range = claims.length - 1
    if (claims[range] === claim && lasts[range] === place! - 1) lasts[range]++
    else {
      claims.push(claim)
      firsts.push(place!)
      lasts.push(place!)
    }
  }
  if (claims.length * JOBS_A_RANGE > batch.length) return undefined
  return [plainArray(claims), plainArray(firsts), plainArray(lasts), results.array(jsonArray), batch.length]
}

export function settlementColumns(batch: readonly Settlement[]): unknown[] {
  const ids: string[] = []
  const claims: number[] = []
  const statuses = new Few<string>(batch)
  const results = new Few<string>(batch)
  const errors = new Few<string>(batch)
  const runAts = new Few<number>(batch)
  const delays = new Few<number>(batch)
  const counted = new Few<boolean>(batch)
  const stopped = new Few<boolean>(batch)
  const attempts = new Few<number>(batch)
  for (let at = 0; at < batch.length; at++) {
    const { id, claim, outcome, attempt } = batch[at]!
    ids.push(id)
    claims.push(claim)
    if (outcome.status === 'DONE') {
      results.set(at, outcome.result)
      continue
    }
    statuses.set(at, outcome.status)
    errors.set(at, outcome.lastError)
    counted.set(at, outcome.counted)
    if (errorOf(batch[at]!) !== undefined) attempts.set(at, attempt)
    if (outcome.status !== 'PENDING') continue
    runAts.set(at, outcome.runAt && Math.max(0, outcome.runAt.getTime()))
    delays.set(at, outcome.delayMs)
    stopped.set(at, (outcome.counted && outcome.stopped) || undefined)
  }
  return [
    textArray(ids),
    unlessSame(claims, plainArray),
    statuses.array(textArray),
    results.array(jsonArray),
    errors.array(textArray),
    runAts.array(plainArray),
    delays.array(plainArray),
    counted.array(plainArray),
    stopped.array(plainArray),
    attempts.array(plainArray),
  ]
}
