import type { Data } from './data.ts'
import type { MetaChange } from './meta-change.ts'
import type { AttemptStatus, OpenUnits, SummaryRow, WorkUnitStatus, WorkerUpdate } from './model.ts'
import type { SchedulerRequest } from './scheduler.ts'
import type { DerivedMeta, WorkSpecData, WorkSpecMeta } from './work-spec-meta.ts'

/** Issued by the store, and never reused after a deletion. */
export type Id = number

/** The most that a count of `openUnits` gives: it stands for 'more than 10,000'. */
export const MOST_COUNTED = 10_001

export interface Named {
  readonly id: Id
  readonly name: string
}

export interface UnitRow extends Named {
  readonly data: Data
  readonly priority: number
  readonly notBefore: number | undefined
  readonly status: WorkUnitStatus
  readonly activeAttempt: AttemptRow | undefined
  readonly numAttempts: number
}

/** The spec of an attempt, with what its worker needs. */
export interface AttemptSpec extends Named {
  /** The name of the task that works on it. */
  readonly task: string
}

export interface AttemptRow {
  readonly id: Id
  readonly spec: AttemptSpec
  readonly unit: Named
  readonly worker: Named
  readonly status: AttemptStatus
  readonly data: Data
  readonly startTime: number
  readonly endTime: number | undefined
  readonly expirationTime: number
  /** The length of the lease when it was made or last renewed. */
  readonly lifetimeMs: number
  /** The time until it expires, by the store's clock when it was read; that clock may be set. */
  readonly leftMs: number
}

export interface WorkerRow extends Named {
  readonly parent: Named | undefined
  readonly active: boolean
  readonly mode: string
  readonly data: Data
  readonly expiration: number
  readonly lastUpdate: number
}

/** A unit to add, with its JSON checked. */
export interface AddedUnit {
  readonly name: string
  readonly data: Data
  readonly priority: number
  readonly notBefore: number | undefined
}

/** A WorkUnitQuery with its defaults. */
export interface UnitSelection {
  readonly names: readonly string[] | undefined
  readonly statuses: readonly WorkUnitStatus[] | undefined
  readonly previousName: string | undefined
  readonly limit: number
}

export type PriorityChange = { readonly to: number } | { readonly by: number }

/** An attempt, and its unit: where it is found. */
export interface AttemptKey {
  readonly id: Id
  readonly unit: Id
}

/** How an attempt ends, as reported by its worker. */
export interface AttemptEnd extends AttemptKey {
  readonly status: 'finished' | 'failed' | 'retryable'
  /** Undefined: unchanged. */
  readonly data: Data | undefined
  /** For a retryable attempt: the delay until its unit is available again. */
  readonly delayMs: number
}

/**
 * Where work is kept, and the rules that hold under concurrency: a unit has one active attempt, limits aren't exceeded, and
 * an attempt and its effects end in one transaction. Callers have validated the arguments.
 *
 * Durations (leases, delays of retries and of chained units, the interval of a continuous spec) don't become longer when the
 * clock is set back; times of day, such as a unit's `notBefore`, stay.
 */
export interface CoordinateStore {
  /** The same data with its times taken from `now`, in ms since the epoch; undefined: from the store's own clock. */
  withTime(now: (() => number) | undefined): CoordinateTables
}

/**
 * Every method rejects with an ErrGone when a given id no longer exists. Requests and ends of attempts may be merged with others that
 * come at the same time: each does and returns what it would by itself, in some order.
 */
export interface CoordinateTables {
  readonly namespaces: NamespaceStore
  readonly specs: SpecStore
  readonly units: UnitStore
  readonly workers: WorkerStore
  readonly attempts: AttemptStore
}

export interface NamespaceStore {
  /** Creates the namespace if there is none. */
  obtain(name: string): Promise<Id>
  all(): Promise<Named[]>
  destroy(id: Id): Promise<void>
  /** Summarizes one namespace, or all; rows with count 0 are omitted. */
  summarize(id: Id | undefined): Promise<SummaryRow[]>
  /** Of all namespaces, each spec, by namespace and name; counts end at MOST_COUNTED. */
  openUnits(): Promise<OpenUnits[]>
  /**
   * Removes work that ended longer ago than `retentionMs`, a part at a time: units that have finished or failed, with their
   * attempts, and of other units all attempts but the last. @param after 0, or `next` of the previous call
   */
  prune(id: Id, retentionMs: number, after: Id): Promise<Pruned>
}

export interface Pruned {
  /** How many units were removed. */
  readonly removed: number
  /** Where to continue; undefined at the end. */
  readonly next: Id | undefined
}

export interface SpecStore {
  /** Creates a spec, or replaces its data and the meta derived from it. */
  set(namespace: Id, name: string, data: WorkSpecData, meta: DerivedMeta): Promise<Id>
  find(namespace: Id, name: string): Promise<Id | undefined>
  /** By name. */
  all(namespace: Id): Promise<Named[]>
  destroy(id: Id): Promise<void>
  data(id: Id): Promise<WorkSpecData>
  setData(id: Id, data: WorkSpecData, meta: DerivedMeta): Promise<void>
  meta(id: Id, withCounts: boolean): Promise<WorkSpecMeta>
  setMeta(id: Id, change: MetaChange): Promise<void>
  summarize(id: Id): Promise<SummaryRow[]>
}

export interface UnitStore {
  /** Adds all or none; of several units with one name, the last counts. @returns their ids, in the order given */
  add(spec: Id, units: readonly AddedUnit[]): Promise<Id[]>
  find(spec: Id, name: string): Promise<Id | undefined>
  /** By name. */
  select(spec: Id, selection: UnitSelection): Promise<Named[]>
  count(spec: Id): Promise<Record<WorkUnitStatus, number>>
  prioritise(spec: Id, selection: UnitSelection, change: PriorityChange): Promise<void>
  delete(spec: Id, selection: UnitSelection): Promise<number>
  /** Clears the active attempt of each unit. @returns the number of units */
  clear(spec: Id, selection: UnitSelection): Promise<number>
  get(id: Id): Promise<UnitRow>
  setMeta(id: Id, priority: number, notBefore: number | undefined): Promise<void>
  setPriority(id: Id, priority: number): Promise<void>
  /** Also restarts the count of attempts for `maxRetries`. */
  clearActiveAttempt(id: Id): Promise<void>
  /** The oldest first. */
  attempts(id: Id): Promise<AttemptRow[]>
  /** Calls back when units of a namespace may be available. Best effort: callers poll as well. @returns a function that removes the callback */
  listen(namespace: Id, onReady: () => void): Promise<() => Promise<void>>
}

export interface WorkerStore {
  /** Creates the worker's record if there is none. */
  obtain(namespace: Id, name: string): Promise<Id>
  all(namespace: Id): Promise<Named[]>
  get(id: Id): Promise<WorkerRow>
  setParent(id: Id, parent: Id | undefined): Promise<void>
  children(id: Id): Promise<Named[]>
  update(id: Id, update: WorkerUpdate): Promise<void>
  deactivate(id: Id): Promise<void>
  /** Active attempts are pending and the active ones of their units. @param of the worker's own, or its children's */
  attempts(id: Id, of: 'itself' | 'children', which: 'active' | 'all'): Promise<AttemptRow[]>
}

export interface AttemptStore {
  /**
   * Chooses a spec as `choose` does, and leases its first units. Units with `maxRetries` attempts since they were last
   * added, cleared or finished fail instead: by a new attempt, whose data says so.
   *
   * @param random in [0, 1)
   */
  request(worker: Named, request: SchedulerRequest, lifetimeMs: number, random: number): Promise<AttemptRow[]>
  make(worker: Id, unit: Id, lifetimeMs: number): Promise<AttemptRow>
  get(key: AttemptKey): Promise<AttemptRow>
  /** @throws ErrNotPending, ErrLostLease */
  renew(key: AttemptKey, extendMs: number, data: Data | undefined): Promise<void>
  /** @throws ErrNotPending */
  expire(key: AttemptKey, data: Data | undefined): Promise<void>
  /** Ends an attempt, and adds its chained units. @throws ErrNotPending, ErrLostLease */
  end(end: AttemptEnd): Promise<void>
}
