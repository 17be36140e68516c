import { chainedUnits } from './chained-units.ts'
import type { AttemptEnd, AttemptKey, AttemptStore, Id, Named, AttemptRow } from './coordinate-store.ts'
import type { Data } from './data.ts'
import { ErrNotPending, attemptLost, otherNamespace } from './errors.ts'
import {
  type MemoryAttempt,
  type MemoryTables,
  fromJson,
  statusOfAttempt,
  attemptRow,
} from './memory-tables.ts'
import { cutToLength } from './memory-clock-set.ts'
import { MemoryRequest } from './memory-request.ts'
import type { MemoryUnits } from './memory-units.ts'
import type { SchedulerRequest } from './scheduler.ts'

export class MemoryAttempts implements AttemptStore {
  readonly #tables: MemoryTables
  readonly #units: MemoryUnits
  readonly #now: () => number

  constructor(tables: MemoryTables, units: MemoryUnits, now: () => number) {
    this.#tables = tables
    this.#units = units
    this.#now = now
  }

  async request(
    { id: workerId }: Named,
    request: SchedulerRequest,
    lifetimeMs: number,
    random: number,
  ): Promise<AttemptRow[]> {
    const worker = this.#tables.workers.get(workerId)
    const at = this.#now()
    cutToLength(worker.namespace, at)
    const units = new MemoryRequest(this.#tables, this.#units, worker, at).units(request, random)
    return units.map((unit) => attemptRow(this.#tables.addAttempt(worker, unit, lifetimeMs, at), at))
  }

  async make(worker: Id, unit: Id, lifetimeMs: number): Promise<AttemptRow> {
    const at = this.#now()
    const by = this.#tables.workers.get(worker)
    const of = this.#tables.units.get(unit)
    if (of.spec.namespace !== by.namespace) throw otherNamespace('makeAttempt', 'a work unit')
    return attemptRow(this.#tables.addAttempt(by, of, lifetimeMs, at), at)
  }

  async get({ id }: AttemptKey): Promise<AttemptRow> {
    return attemptRow(this.#tables.attempts.get(id), this.#now())
  }

  async renew({ id }: AttemptKey, extendMs: number, data: Data | undefined): Promise<void> {
    const attempt = this.#tables.attempts.get(id)
    const at = this.#now()
    const status = statusOfAttempt(attempt, at)
    if (status !== 'pending' && status !== 'expired') throw new ErrNotPending('renew', status)
    if (data !== undefined) attempt.data = JSON.stringify(data)
    if (attempt.unit.active !== attempt) throw attemptLost()
    Object.assign(attempt, {
      status: 'pending',
      endTime: undefined,
      expirationTime: at + extendMs,
      leasedAt: at,
      lifetimeMs: extendMs,
    })
  }

  async expire({ id }: AttemptKey, data: Data | undefined): Promise<void> {
    const attempt = this.#tables.attempts.get(id)
    const at = this.#now()
    const status = statusOfAttempt(attempt, at)
    if (status === 'expired') return
    if (status !== 'pending') throw new ErrNotPending('expire', status)
    record(attempt, 'expired', data, at)
    this.#units.mayBeAvailable(attempt.unit.spec)
  }

  async end({ id, status, data, delayMs }: AttemptEnd): Promise<void> {
    const attempt = this.#tables.attempts.get(id)
    const now = this.#now()
    const before = statusOfAttempt(attempt, now)
    if (before !== 'pending' && before !== 'expired') throw new ErrNotPending(CALLS[status], before)
    if (attempt.unit.active !== attempt) throw attemptLost()
    record(attempt, status, data, now)
    if (status === 'retryable') {
      Object.assign(attempt.unit, { notBefore: now + delayMs, delayedSince: now })
      this.#units.mayBeAvailable(attempt.unit.spec)
    }
    if (status === 'finished') {
      attempt.unit.tries = 0
      this.#chain(attempt, now)
    }
  }

  #chain({ unit, data }: MemoryAttempt, now: number): void {
    const next = unit.spec.namespace.specs.get(unit.spec.meta.nextWorkSpecName)
    if (next === undefined) return
    for (const { delayMs, ...chained } of chainedUnits(fromJson(data))) {
      const unit = this.#units.put(
        next,
        { ...chained, notBefore: delayMs > 0 ? now + delayMs : undefined },
        now,
      )
      unit.delayedSince = now
    }
  }
}

const CALLS = { finished: 'finish', failed: 'fail', retryable: 'retry' } as const

function record(
  attempt: MemoryAttempt,
  status: MemoryAttempt['status'],
  data: Data | undefined,
  now: number,
): void {
  attempt.status = status
  attempt.endTime = now
  if (data !== undefined) attempt.data = JSON.stringify(data)
}
