import type { Duration } from '../core/duration.ts'
import type { Data } from './data.ts'
import type { WorkSpecData, WorkSpecMeta } from './work-spec-meta.ts'

/** How a unit is: it waits, is leased, or has ended. */
export type WorkUnitStatus = 'available' | 'pending' | 'finished' | 'failed' | 'delayed'
/** How an attempt is, or how it ended. */
export type AttemptStatus = 'pending' | 'expired' | 'finished' | 'failed' | 'retryable'

/** When and in which order a unit is handed out. */
export interface WorkUnitMeta {
  /** Higher first. Default 0. */
  priority?: number | undefined
  /** The unit is delayed until then. */
  notBefore?: Date | undefined
}

/** A unit to add. One of the same name gets the new data and runs again, unless it is pending. */
export interface NewWorkUnit {
  name: string
  data: Data
  meta?: WorkUnitMeta | undefined
}

/** Which units of a spec; ordered by name, by code point. */
export interface WorkUnitQuery {
  names?: readonly string[] | undefined
  statuses?: readonly WorkUnitStatus[] | undefined
  /** Only units whose names come after this one, for paging. */
  previousName?: string | undefined
  limit?: number | undefined
}

/** What a worker asks for: how many units, of which specs, for how long. */
export interface AttemptRequest {
  /** How much memory the worker can offer. Default: as much as any spec needs. */
  availableGb?: number | undefined
  /** The length of each lease. Default 15 m. */
  lifetime?: Duration | undefined
  /** The most units to lease. Default 1. */
  numberOfWorkUnits?: number | undefined
  /** Only of these specs. Default: any. */
  workSpecs?: readonly string[] | undefined
  /** Only of specs of these runtimes. Default: any. */
  runtimes?: readonly string[] | undefined
}

/** How many units of a spec have a status. */
export interface SummaryRow {
  readonly namespace: string
  readonly workSpec: string
  readonly status: WorkUnitStatus
  readonly count: number
}

/** How many units of a spec have not ended, by status. A count of more than 10,000 is given as 10,001. */
export interface OpenUnits {
  readonly namespace: string
  readonly workSpec: string
  readonly available: number
  readonly pending: number
  /** Undefined while all specs together have more than 10,000 of them. */
  readonly delayed: number | undefined
}

/** What a worker says of itself when it renews its record. */
export interface WorkerUpdate {
  data: Data
  /** When the update was made. */
  now: Date
  /** When the worker counts as gone without another update. */
  expiration: Date
  mode: string
}

/** A scheduler over families of work. */
export interface Coordinate {
  /** The namespace of that name; created if there is none. */
  namespace(name: string): Promise<Namespace>
  namespaces(): Promise<Map<string, Namespace>>
  /** How many units of each spec have each status, also of those that have ended: reads all units. */
  summarize(): Promise<SummaryRow[]>
  /**
   * How many units of each spec have not ended, by namespace and name, for metrics and alarms: cheap however many have ended, since those
   * are not read, and counts end at 10,001. Of a MemoryCoordinateStore it reads all, as each request does.
   */
  openUnits(): Promise<OpenUnits[]>
}

/** Work specs, and the workers that work on them. */
export interface Namespace {
  readonly name: string
  /** Deletes the namespace with all its contents. */
  destroy(): Promise<void>
  /** Creates a spec, or replaces the data, and with it the meta, of the spec of that name. */
  setWorkSpec(data: WorkSpecData): Promise<WorkSpec>
  /** @throws ErrNoSuchWorkSpec */
  workSpec(name: string): Promise<WorkSpec>
  /** Deletes a spec with all its units. @throws ErrNoSuchWorkSpec */
  destroyWorkSpec(name: string): Promise<void>
  workSpecNames(): Promise<string[]>
  /** The worker of that name; its record is created if there is none. */
  worker(name: string): Promise<CoordinateWorkerRecord>
  workers(): Promise<Map<string, CoordinateWorkerRecord>>
  /**
   * Removes work that ended longer ago than `retention`: units that have finished or failed, with their attempts, and of
   * other units all attempts but the last. A CoordinateWorker with a `retention` does so automatically.
   *
   * @returns how many units were removed
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
  /** Adds a unit. An existing one of that name gets the new data and meta, and runs again unless it is pending. */
  addWorkUnit(name: string, data: Data, meta?: WorkUnitMeta): Promise<WorkUnit>
  /** Adds all units or none. */
  addWorkUnits(units: readonly NewWorkUnit[]): Promise<WorkUnit[]>
  /** @throws ErrNoSuchWorkUnit */
  workUnit(name: string): Promise<WorkUnit>
  workUnits(query?: WorkUnitQuery): Promise<Map<string, WorkUnit>>
  countWorkUnitStatus(): Promise<Record<WorkUnitStatus, number>>
  setWorkUnitPriorities(query: WorkUnitQuery, priority: number): Promise<void>
  adjustWorkUnitPriorities(query: WorkUnitQuery, by: number): Promise<void>
  /** Failed units run again, with a new count of attempts; others stay as they are. @returns how many */
  retryWorkUnits(query?: WorkUnitQuery): Promise<number>
  /** Calls `clearActiveAttempt` of each unit, also of finished and pending ones. @returns how many */
  clearWorkUnits(query?: WorkUnitQuery): Promise<number>
  /** @returns how many */
  deleteWorkUnits(query?: WorkUnitQuery): Promise<number>
  summarize(): Promise<SummaryRow[]>
}

/** One piece of work. It is available without an active attempt, or with one that expired or is to be retried. */
export interface WorkUnit {
  readonly name: string
  readonly workSpec: WorkSpec
  /** The data of its active attempt; without one, its own. */
  data(): Promise<Data>
  status(): Promise<WorkUnitStatus>
  meta(): Promise<WorkUnitMeta>
  setMeta(meta: WorkUnitMeta): Promise<void>
  priority(): Promise<number>
  setPriority(priority: number): Promise<void>
  activeAttempt(): Promise<Attempt | undefined>
  /** Makes it available again, with its own data; its attempts stay, but no longer count for `max_retries`. */
  clearActiveAttempt(): Promise<void>
  /** The oldest first. */
  attempts(): Promise<Attempt[]>
  /** The number of attempts, including pruned ones. */
  numAttempts(): Promise<number>
  /** Its status, meta and number of attempts, read at once. */
  overview(): Promise<WorkUnitOverview>
}

/** What a list shows of a unit. */
export interface WorkUnitOverview {
  readonly status: WorkUnitStatus
  readonly priority: number
  readonly notBefore?: Date
  /** Including pruned ones. */
  readonly numAttempts: number
}

/** A worker as its namespace knows it. It renews its record; one that doesn't counts as gone. */
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
  /** Updates the worker, which is active from then on. */
  update(update: WorkerUpdate): Promise<void>
  /** Leases available units, all of one spec; none when there is nothing to do. */
  requestAttempts(request?: AttemptRequest): Promise<Attempt[]>
  /** Leases this unit, even if another worker has it. @param lifetime default 15 m */
  makeAttempt(unit: WorkUnit, lifetime?: Duration): Promise<Attempt>
  /** The worker's pending attempts that are their units' active ones. */
  activeAttempts(): Promise<Attempt[]>
  allAttempts(): Promise<Attempt[]>
  /** The active attempts of its children. */
  childAttempts(): Promise<Attempt[]>
}

/** One worker's lease on one unit. After its expiry, it stays the unit's active one until another worker takes the unit. */
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
  /** Also adds the units that the `output` in its data requests. @throws ErrNotPending, ErrLostLease */
  finish(data?: Data): Promise<void>
  /** @throws ErrNotPending, ErrLostLease */
  fail(data?: Data): Promise<void>
  /** Makes its unit available again, after `delay`. @throws ErrNotPending, ErrLostLease */
  retry(data?: Data, delay?: Duration): Promise<void>
}
