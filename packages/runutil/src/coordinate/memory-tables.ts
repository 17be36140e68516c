import { Events } from '../core/events.ts'
import type { Id, Named, AttemptRow, UnitRow } from './coordinate-store.ts'
import type { Data } from './data.ts'
import { ErrGone } from './errors.ts'
import type { AttemptStatus, WorkUnitStatus } from './model.ts'
import type { DerivedMeta } from './work-spec-meta.ts'

// The rows of a database's tables. Data is JSON, so that later changes to the caller's object don't change it.

export interface MemoryNamespace extends Named {
  readonly specs: Map<string, MemorySpec>
  readonly workers: Map<string, MemoryWorker>
}

export interface MemorySpec extends Named {
  readonly namespace: MemoryNamespace
  readonly units: Map<string, MemoryUnit>
  data: string
  task: string
  meta: DerivedMeta & { nextContinuous: Date | undefined }
  /** When the interval until `nextContinuous` began; undefined when a caller set that. */
  continuousSince: number | undefined
}

export interface MemoryUnit extends Named {
  readonly spec: MemorySpec
  readonly attempts: MemoryAttempt[]
  /** Including removed ones. */
  numAttempts: number
  /** Attempts since it was last added, cleared or finished. */
  tries: number
  data: string
  priority: number
  notBefore: number | undefined
  /** When the delay until `notBefore` began; undefined when that is a time of day. */
  delayedSince: number | undefined
  active: MemoryAttempt | undefined
}

export interface MemoryWorker extends Named {
  readonly namespace: MemoryNamespace
  readonly attempts: Set<MemoryAttempt>
  parent: MemoryWorker | undefined
  active: boolean
  mode: string
  data: string
  expiration: number
  lastUpdate: number
}

export interface MemoryAttempt {
  readonly id: Id
  readonly unit: MemoryUnit
  readonly worker: MemoryWorker
  readonly startTime: number
  /** As written: a pending attempt may have expired since. */
  status: AttemptStatus
  data: string
  endTime: number | undefined
  expirationTime: number
  /** When it was leased or last renewed; `expirationTime` counts from then. */
  leasedAt: number
  /** The length of the lease when it was made or last renewed. */
  lifetimeMs: number
}

/** Records by their ids. */
export class Table<R extends { readonly id: Id }> {
  readonly #what: string
  readonly #rows = new Map<Id, R>()

  constructor(what: string) {
    this.#what = what
  }

  get rows(): R[] {
    return [...this.#rows.values()]
  }

  add(row: R): R {
    this.#rows.set(row.id, row)
    return row
  }

  /** @throws ErrGone */
  get(id: Id): R {
    const row = this.#rows.get(id)
    if (row === undefined) throw new ErrGone(this.#what)
    return row
  }

  delete(row: R): void {
    this.#rows.delete(row.id)
  }
}

/** All data of a store in memory. */
export class MemoryTables {
  readonly namespaces = new Table<MemoryNamespace>('the namespace')
  readonly specs = new Table<MemorySpec>('the work spec')
  readonly units = new Table<MemoryUnit>('the work unit')
  readonly workers = new Table<MemoryWorker>('the worker')
  readonly attempts = new Table<MemoryAttempt>('the attempt')
  /** `ready`: units of a namespace may be available. */
  readonly events = new Events<{ ready: [namespace: Id] }>()
  #lastId = 0

  nextId(): Id {
    return ++this.#lastId
  }

  /** Adds an attempt as the unit's active one. */
  addAttempt(worker: MemoryWorker, unit: MemoryUnit, lifetimeMs: number, now: number): MemoryAttempt {
    const attempt: MemoryAttempt = {
      id: this.nextId(),
      unit,
      worker,
      startTime: now,
      status: 'pending',
      data: unit.data,
      endTime: undefined,
      expirationTime: now + lifetimeMs,
      leasedAt: now,
      lifetimeMs,
    }
    unit.attempts.push(attempt)
    unit.numAttempts++
    unit.tries++
    unit.active = attempt
    worker.attempts.add(attempt)
    return this.attempts.add(attempt)
  }
}

export function named({ id, name }: Named): Named {
  return { id, name }
}

export function statusOfAttempt({ status, expirationTime }: MemoryAttempt, now: number): AttemptStatus {
  return status === 'pending' && expirationTime <= now ? 'expired' : status
}

export function statusOfUnit({ active, notBefore }: MemoryUnit, now: number): WorkUnitStatus {
  const status = active && statusOfAttempt(active, now)
  switch (status) {
    case 'pending':
    case 'finished':
    case 'failed':
      return status
    case 'expired':
    case 'retryable':
    case undefined:
      return notBefore !== undefined && notBefore > now ? 'delayed' : 'available'
    default:
      return status satisfies never
  }
}

export function unitRow(unit: MemoryUnit, now: number): UnitRow {
  const { priority, notBefore, active, numAttempts } = unit
  return {
    ...named(unit),
    data: fromJson(active?.data ?? unit.data),
    priority,
    notBefore,
    status: statusOfUnit(unit, now),
    numAttempts,
    activeAttempt: active && attemptRow(active, now),
  }
}

export function attemptRow(attempt: MemoryAttempt, now: number): AttemptRow {
  const { id, unit, worker, startTime, expirationTime, lifetimeMs } = attempt
  const spec = { ...named(unit.spec), task: unit.spec.task }
  const status = statusOfAttempt(attempt, now)
  const endTime = status === 'expired' ? (attempt.endTime ?? expirationTime) : attempt.endTime
  return {
    id,
    spec,
    unit: named(unit),
    worker: named(worker),
    status,
    data: fromJson(attempt.data),
    startTime,
    endTime,
    expirationTime,
    lifetimeMs,
    leftMs: expirationTime - now,
  }
}

export function fromJson(json: string): Data {
  return JSON.parse(json) as Data
}

/** Names sort by code point, not by code unit. */
export function byName(a: Named, b: Named): number {
  return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))
}
