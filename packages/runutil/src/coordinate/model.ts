import type { Duration } from '../core/duration.ts'
import type { Data } from './data.ts'
import type { WorkSpecData, WorkSpecMeta } from './work-spec-meta.ts'

export type WorkUnitStatus = 'available' | 'pending' | 'finished' | 'failed' | 'delayed'
export type AttemptStatus = 'pending' | 'expired' | 'finished' | 'failed' | 'retryable'

export interface WorkUnitMeta {
  /** Higher first. Default 0. */
  priority?: number | undefined
  /** It is delayed until then. */
  notBefore?: Date | undefined
}

export interface NewWorkUnit {
  name: string
  data: Data
  meta?: WorkUnitMeta | undefined
}

/** Which units of a spec; ordered by name, by code point. */
export interface WorkUnitQuery {
  names?: readonly string[] | undefined
  statuses?: readonly WorkUnitStatus[] | undefined
  /** Only those whose names come after it: how to page. */
  previousName?: string | undefined
  limit?: number | undefined
}

export interface AttemptRequest {
  /** How much memory the worker can offer. Default: as much as any spec needs. */
  availableGb?: number | undefined
  /** Of each lease. Default 15 m. */
  lifetime?: Duration | undefined
  /** At most. Default 1. */
  numberOfWorkUnits?: number | undefined
  /** Only of these specs. Default: any. */
  workSpecs?: readonly string[] | undefined
  /** Only of specs of these runtimes. Default: any. */
  runtimes?: readonly string[] | undefined
}

export interface SummaryRow {
  readonly namespace: string
  readonly workSpec: string
  readonly status: WorkUnitStatus
  readonly count: number
}

export interface WorkerUpdate {
  data: Data
  /** When it was taken. */
  now: Date
  /** When the worker is taken for gone unless it says otherwise. */
  expiration: Date
  mode: string
}

/** A scheduler over families of work. */
export interface Coordinate {
  /** The namespace of that name; it is made when there is none. */
  namespace(name: string): Promise<Namespace>
  namespaces(): Promise<Map<string, Namespace>>
  summarize(): Promise<SummaryRow[]>
}

/** Work specs, and the workers that work on them. */
export interface Namespace {
  readonly name: string
  /** With all that is in it. */
  destroy(): Promise<void>
  /** Makes a spec, or replaces the data, and with it the meta, of the one of that name. */
  setWorkSpec(data: WorkSpecData): Promise<WorkSpec>
  /** @throws ErrNoSuchWorkSpec */
  workSpec(name: string): Promise<WorkSpec>
  /** With all its units. @throws ErrNoSuchWorkSpec */
  destroyWorkSpec(name: string): Promise<void>
  workSpecNames(): Promise<string[]>
  /** The worker of that name; its record is made when there is none. */
  worker(name: string): Promise<CoordinateWorkerRecord>
  workers(): Promise<Map<string, CoordinateWorkerRecord>>
  /**
   * Removes what ended longer ago than `retention`: units that have finished or failed, with their attempts, and of
   * other units the attempts but the last. A CoordinateWorker does so by itself when it is told a retention.
   *
   * @returns how many units
   */
  prune(retention: Duration): Promise<number>
  summarize(): Promise<SummaryRow[]>
}

/** A family of work units. */
export interface WorkSpec {
  readonly name: string
  data(): Promise<WorkSpecData>
  /** @throws ErrChangedName, ErrNoWorkSpecName, ErrBadWorkSpecName */
  setData(data: WorkSpecData): Promise<void>
  meta(options?: { withCounts?: boolean }): Promise<WorkSpecMeta>
  /** Fields that can't be set are ignored. */
  setMeta(meta: Partial<WorkSpecMeta>): Promise<void>
  /** One of a name that is there has its data and meta replaced, and runs again unless it is pending. */
  addWorkUnit(name: string, data: Data, meta?: WorkUnitMeta): Promise<WorkUnit>
  /** All or none. */
  addWorkUnits(units: readonly NewWorkUnit[]): Promise<WorkUnit[]>
  /** @throws ErrNoSuchWorkUnit */
  workUnit(name: string): Promise<WorkUnit>
  workUnits(query?: WorkUnitQuery): Promise<Map<string, WorkUnit>>
  countWorkUnitStatus(): Promise<Record<WorkUnitStatus, number>>
  setWorkUnitPriorities(query: WorkUnitQuery, priority: number): Promise<void>
  adjustWorkUnitPriorities(query: WorkUnitQuery, by: number): Promise<void>
  /** What has failed runs again, its attempts counted anew; others are left as they are. @returns how many */
  retryWorkUnits(query?: WorkUnitQuery): Promise<number>
  /** As `clearActiveAttempt` of each, also of what is finished or pending. @returns how many */
  clearWorkUnits(query?: WorkUnitQuery): Promise<number>
  /** @returns how many */
  deleteWorkUnits(query?: WorkUnitQuery): Promise<number>
  summarize(): Promise<SummaryRow[]>
}

/** One piece of work. Without an active attempt, or with one that expired or is to be retried, it is available. */
export interface WorkUnit {
  readonly name: string
  readonly workSpec: WorkSpec
  /** Its active attempt's; without one, its own. */
  data(): Promise<Data>
  status(): Promise<WorkUnitStatus>
  meta(): Promise<WorkUnitMeta>
  setMeta(meta: WorkUnitMeta): Promise<void>
  priority(): Promise<number>
  setPriority(priority: number): Promise<void>
  activeAttempt(): Promise<Attempt | undefined>
  /** It is available again, with its own data; its attempts stay, and are no longer counted for `max_retries`. */
  clearActiveAttempt(): Promise<void>
  /** The oldest first. */
  attempts(): Promise<Attempt[]>
  /** With those that were pruned. */
  numAttempts(): Promise<number>
}

export interface CoordinateWorkerRecord {
  readonly name: string
  parent(): Promise<CoordinateWorkerRecord | undefined>
  setParent(worker: CoordinateWorkerRecord | undefined): Promise<void>
  children(): Promise<CoordinateWorkerRecord[]>
  active(): Promise<boolean>
  deactivate(): Promise<void>
  mode(): Promise<string>
  data(): Promise<Data>
  expiration(): Promise<Date>
  lastUpdate(): Promise<Date>
  /** It is active then. */
  update(update: WorkerUpdate): Promise<void>
  /** Leases on available units, all of one spec; none when there is nothing to do. */
  requestAttempts(request?: AttemptRequest): Promise<Attempt[]>
  /** A lease on this unit, whoever has it. @param lifetime default 15 m */
  makeAttempt(unit: WorkUnit, lifetime?: Duration): Promise<Attempt>
  /** Those that are their units' active ones and pending. */
  activeAttempts(): Promise<Attempt[]>
  allAttempts(): Promise<Attempt[]>
  /** The active ones of its children. */
  childAttempts(): Promise<Attempt[]>
}

/** One worker's lease on one unit. It expires by itself, and is its unit's active one until another takes the unit. */
export interface Attempt {
  readonly workUnit: WorkUnit
  readonly worker: CoordinateWorkerRecord
  status(): Promise<AttemptStatus>
  data(): Promise<Data>
  startTime(): Promise<Date>
  /** Undefined while it is pending. */
  endTime(): Promise<Date | undefined>
  expirationTime(): Promise<Date>
  /** @throws ErrNotPending when it has ended; ErrLostLease, the data stored, when it isn't the active one */
  renew(extend: Duration, data?: Data): Promise<void>
  /** @throws ErrNotPending when it has ended otherwise */
  expire(data?: Data): Promise<void>
  /** Also makes the units that the `output` in its data asks for. @throws ErrNotPending, ErrLostLease */
  finish(data?: Data): Promise<void>
  /** @throws ErrNotPending, ErrLostLease */
  fail(data?: Data): Promise<void>
  /** Its unit is available again, after `delay`. @throws ErrNotPending, ErrLostLease */
  retry(data?: Data, delay?: Duration): Promise<void>
}
