import type { Data } from './data.ts'
import type { MetaChange } from './meta-change.ts'
import type { AttemptStatus, SummaryRow, WorkUnitStatus, WorkerUpdate } from './model.ts'
import type { Asked } from './scheduler.ts'
import type { DerivedMeta, WorkSpecData, WorkSpecMeta } from './work-spec-meta.ts'

/** Whose it is, is for the store to know. Never given twice: what is deleted stays gone. */
export type Id = number

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

/** The spec of an attempt, with what a worker has to know of it. */
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
  /** For how long it was leased or last renewed. */
  readonly lifetimeMs: number
  /** Until it expires, by the store's clock when it was read; that clock may be set. */
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

/** A unit as it is added: its JSON checked. */
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

/** How an attempt ends, by its worker's word. */
export interface AttemptEnd {
  readonly id: Id
  readonly status: 'finished' | 'failed' | 'retryable'
  /** Undefined: as it is. */
  readonly data: Data | undefined
  /** Of a retryable one: when its unit is available again. */
  readonly delayMs: number
}

/**
 * Where work is kept, and the rules that must hold whoever asks at once: a unit has one active attempt, limits aren't
 * exceeded, and what ends an attempt and what comes of it is one transaction. What a call means, and whether what it is
 * given makes sense, is decided before.
 *
 * Times that count from a moment (leases, delays of retries and of chained units, the interval of a continuous spec) last
 * as long when the clock is set back; times of day, such as a unit's `notBefore`, stay.
 */
export interface CoordinateStore {
  /** @param now what time it is, in ms since the epoch; without it, the store's own clock tells */
  withTime(now: (() => number) | undefined): CoordinateTables
}

/** Every method rejects with an ErrGone when an id that it is given stands for nothing any more. */
export interface CoordinateTables {
  readonly namespaces: NamespaceStore
  readonly specs: SpecStore
  readonly units: UnitStore
  readonly workers: WorkerStore
  readonly attempts: AttemptStore
}

export interface NamespaceStore {
  /** Makes it when there is none. */
  obtain(name: string): Promise<Id>
  all(): Promise<Named[]>
  destroy(id: Id): Promise<void>
  /** Of one, or of all; rows whose count is 0 are left out. */
  summarize(id: Id | undefined): Promise<SummaryRow[]>
  /**
   * Removes what ended longer ago than `retentionMs`, some at a time: units that have finished or failed, with their
   * attempts, and of other units the attempts but the last. @param after 0, or what the call before has as `next`
   */
  prune(id: Id, retentionMs: number, after: Id): Promise<Pruned>
}

export interface Pruned {
  /** How many units. */
  readonly removed: number
  /** Where to go on; undefined at the end. */
  readonly next: Id | undefined
}

export interface SpecStore {
  /** Makes it, or replaces the data and what is derived from it. */
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
  /** All or none; of units of one name, the last. @returns their ids, in the order given */
  add(spec: Id, units: readonly AddedUnit[]): Promise<Id[]>
  find(spec: Id, name: string): Promise<Id | undefined>
  /** By name. */
  select(spec: Id, selection: UnitSelection): Promise<Named[]>
  count(spec: Id): Promise<Record<WorkUnitStatus, number>>
  prioritise(spec: Id, selection: UnitSelection, change: PriorityChange): Promise<void>
  delete(spec: Id, selection: UnitSelection): Promise<number>
  /** Clears the active attempt of each. @returns how many they are */
  clear(spec: Id, selection: UnitSelection): Promise<number>
  get(id: Id): Promise<UnitRow>
  setMeta(id: Id, priority: number, notBefore: number | undefined): Promise<void>
  setPriority(id: Id, priority: number): Promise<void>
  /** Its attempts are counted anew. */
  clearActiveAttempt(id: Id): Promise<void>
  /** The oldest first. */
  attempts(id: Id): Promise<AttemptRow[]>
  /** Calls back when units of a namespace may be available. Best effort: callers poll as well. @returns takes it off */
  listen(namespace: Id, onReady: () => void): Promise<() => Promise<void>>
}

export interface WorkerStore {
  /** Makes it when there is none. */
  obtain(namespace: Id, name: string): Promise<Id>
  all(namespace: Id): Promise<Named[]>
  get(id: Id): Promise<WorkerRow>
  setParent(id: Id, parent: Id | undefined): Promise<void>
  children(id: Id): Promise<Named[]>
  update(id: Id, update: WorkerUpdate): Promise<void>
  deactivate(id: Id): Promise<void>
  /** Active: pending, and their units' active ones. @param of its own, or its children's */
  attempts(id: Id, of: 'itself' | 'children', which: 'active' | 'all'): Promise<AttemptRow[]>
}

export interface AttemptStore {
  /**
   * Chooses a spec as `choose` does, and leases its first units. Those that had their `maxRetries` attempts since they
   * were last added, cleared or finished fail instead: by a new attempt, which says so.
   *
   * @param random in [0, 1)
   */
  request(worker: Id, asked: Asked, lifetimeMs: number, random: number): Promise<AttemptRow[]>
  make(worker: Id, unit: Id, lifetimeMs: number): Promise<AttemptRow>
  get(id: Id): Promise<AttemptRow>
  /** @throws ErrNotPending, ErrLostLease */
  renew(id: Id, extendMs: number, data: Data | undefined): Promise<void>
  /** @throws ErrNotPending */
  expire(id: Id, data: Data | undefined): Promise<void>
  /** Each by itself, with the units that come of it. @returns for each what went wrong, if anything */
  end(ends: readonly AttemptEnd[]): Promise<(Error | undefined)[]>
}
