import { chainedUnits } from './chained-units.ts'
import type { AttemptEnd, AttemptStore, Id, Now, StoredAttempt } from './coordinate-store.ts'
import type { Data } from './data.ts'
import { ErrGone, ErrLostLease, ErrNotPending } from './errors.ts'
import {
  type AttemptRecord,
  type MemoryTables,
  fromJson,
  statusOfAttempt,
  timeOf,
  toStoredAttempt,
} from './memory-records.ts'
import { MemoryRequest } from './memory-request.ts'
import type { MemoryUnits } from './memory-units.ts'
import type { Asked } from './scheduler.ts'

export class MemoryAttempts implements AttemptStore {
  readonly #tables: MemoryTables
  readonly #units: MemoryUnits

  constructor(tables: MemoryTables, units: MemoryUnits) {
    this.#tables = tables
    this.#units = units
  }

  async request(
    workerId: Id,
    asked: Asked,
    lifetimeMs: number,
    random: number,
    now: Now,
  ): Promise<StoredAttempt[]> {
    const worker = this.#tables.workers.get(workerId)
    const at = timeOf(now)
    const units = new MemoryRequest(this.#tables, this.#units, worker, at).units(asked, random)
    return units.map((unit) => toStoredAttempt(this.#tables.addAttempt(worker, unit, lifetimeMs, at), at))
  }

  async make(worker: Id, unit: Id, lifetimeMs: number, now: Now): Promise<StoredAttempt> {
    const at = timeOf(now)
    const by = this.#tables.workers.get(worker)
    const of = this.#tables.units.get(unit)
    return toStoredAttempt(this.#tables.addAttempt(by, of, lifetimeMs, at), at)
  }

  async get(id: Id, now: Now): Promise<StoredAttempt> {
    return toStoredAttempt(this.#tables.attempts.get(id), timeOf(now))
  }

  async renew(id: Id, extendMs: number, data: Data | undefined, now: Now): Promise<void> {
    const attempt = this.#tables.attempts.get(id)
    const at = timeOf(now)
    const status = statusOfAttempt(attempt, at)
    if (status !== 'pending' && status !== 'expired') throw new ErrNotPending('renew', status)
    if (data !== undefined) attempt.data = JSON.stringify(data)
    if (attempt.unit.active !== attempt) throw new ErrLostLease()
    Object.assign(attempt, {
      status: 'pending',
      endTime: undefined,
      expirationTime: at + extendMs,
      lifetimeMs: extendMs,
    })
  }

  async expire(id: Id, data: Data | undefined, now: Now): Promise<void> {
    const attempt = this.#tables.attempts.get(id)
    const at = timeOf(now)
    const status = statusOfAttempt(attempt, at)
    if (status === 'expired') return
    if (status !== 'pending') throw new ErrNotPending('expire', status)
    record(attempt, 'expired', data, at)
    this.#units.mayBeHad(attempt.unit.spec)
  }

  async end(ends: readonly AttemptEnd[], now: Now): Promise<(Error | undefined)[]> {
    return ends.map((end) => this.#endOne(end, timeOf(now)))
  }

  #endOne({ id, status, data, delayMs }: AttemptEnd, now: number): Error | undefined {
    const attempt = this.#attemptOrError(id)
    if (attempt instanceof Error) return attempt
    const before = statusOfAttempt(attempt, now)
    if (before !== 'pending' && before !== 'expired') return new ErrNotPending(CALLS[status], before)
    if (attempt.unit.active !== attempt) return new ErrLostLease()
    record(attempt, status, data, now)
    if (status === 'retryable') attempt.unit.notBefore = now + delayMs
    if (status === 'retryable') this.#units.mayBeHad(attempt.unit.spec)
    if (status === 'finished') {
      attempt.unit.tries = 0
      this.#chain(attempt, now)
    }
    return undefined
  }

  #attemptOrError(id: Id): AttemptRecord | Error {
    try {
      return this.#tables.attempts.get(id)
    } catch (error) {
      return error as ErrGone
    }
  }

  #chain({ unit, data }: AttemptRecord, now: number): void {
    const next = unit.spec.namespace.specs.get(unit.spec.meta.nextWorkSpecName)
    if (next === undefined) return
    for (const { delayMs, ...chained } of chainedUnits(fromJson(data))) {
      this.#units.put(next, { ...chained, notBefore: delayMs > 0 ? now + delayMs : undefined }, now)
    }
  }
}

const CALLS = { finished: 'finish', failed: 'fail', retryable: 'retry' } as const

function record(
  attempt: AttemptRecord,
  status: AttemptRecord['status'],
  data: Data | undefined,
  now: number,
): void {
  attempt.status = status
  attempt.endTime = now
  if (data !== undefined) attempt.data = JSON.stringify(data)
}
