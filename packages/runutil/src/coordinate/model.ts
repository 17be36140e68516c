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
  /** Unique in its spec: at most 2,000 bytes in UTF-8. */
  name: string
  /** A JSON object; each new attempt starts with a copy. */
  data: Data
  meta?: WorkUnitMeta | undefined
}

/** Which units of a spec; ordered by name, by code point. */
export interface WorkUnitQuery {
  /** Only units of these names. Default: of any. */
  names?: readonly string[] | undefined
  /** Only units in one of these. Default: in any. */
  statuses?: readonly WorkUnitStatus[] | undefined
  /** Only units whose names come after this one, for paging. */
  previousName?: string | undefined
  /** The most units, 1 or more: the first by name. Default: all. */
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

/** How many units of a spec have a status; there is no row for a status that none has. */
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
  /** Units that a worker can lease now. */
  readonly available: number
  /** Units that a worker has leased. */
  readonly pending: number
  /** Undefined while all specs together have more than 10,000 of them. */
  readonly delayed: number | undefined
}

/** What a worker says of itself when it renews its record. */
export interface WorkerUpdate {
  /** What it tells of itself: a JSON object, which replaces the last one. */
  data: Data
  /** When the update was made. */
  now: Date
  /** When the worker counts as gone without another update. */
  expiration: Date
  /** Any text; the model gives it no meaning. */
  mode: string
}

/** A scheduler over families of work. An object that stands for something deleted rejects each call with an ErrGone. */
export interface Coordinate {
  /** The namespace of that name; created if there is none. */
  namespace(name: string): Promise<Namespace>
  /** All of them by name, in the order of their names. */
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
  /** In the order of code points. */
  workSpecNames(): Promise<string[]>
  /** The worker of that name; its record is created if there is none. */
  worker(name: string): Promise<CoordinateWorkerRecord>
  /** All worker records by name, also of workers that are inactive or gone. */
  workers(): Promise<Map<string, CoordinateWorkerRecord>>
  /**
   * Removes work that ended longer ago than `retention`: units that have finished or failed, with their attempts, and of
   * other units all attempts but the last. A CoordinateWorker with a `retention` does so automatically.
   *
   * @returns how many units were removed
   */
  prune(retention: Duration): Promise<number>
  /** As `Coordinate.summarize`, of this namespace alone. */
  summarize(): Promise<SummaryRow[]>
}

/** A family of work units. */
export interface WorkSpec {
  readonly name: string
  /** As it was last set, with its `name`. */
  data(): Promise<WorkSpecData>
  /** @throws ErrChangedName, ErrNoWorkSpecName, ErrBadWorkSpecName */
  setData(data: WorkSpecData): Promise<void>
  /** How it is scheduled. @param options withCounts: whether to count its available and pending units. Default false */
  meta(options?: { withCounts?: boolean }): Promise<WorkSpecMeta>
  /** Fields that can't be set are ignored. */
  setMeta(meta: Partial<WorkSpecMeta>): Promise<void>
  /** Adds a unit. An existing one of that name gets the new data and meta, and runs again unless it is pending. */
  addWorkUnit(name: string, data: Data, meta?: WorkUnitMeta): Promise<WorkUnit>
  /** Adds all units or none. */
  addWorkUnits(units: readonly NewWorkUnit[]): Promise<WorkUnit[]>
  /** @throws ErrNoSuchWorkUnit */
  workUnit(name: string): Promise<WorkUnit>
  /** Those that match, by name, in the order of their names. Default: all of them. */
  workUnits(query?: WorkUnitQuery): Promise<Map<string, WorkUnit>>
  /** How many units have each status, 0 where none has. Reads all units. */
  countWorkUnitStatus(): Promise<Record<WorkUnitStatus, number>>
  /** Gives all that match one priority: higher first. An empty query matches all. */
  setWorkUnitPriorities(query: WorkUnitQuery, priority: number): Promise<void>
  /** Adds `by`, which may be negative, to the priority of each that matches. */
  adjustWorkUnitPriorities(query: WorkUnitQuery, by: number): Promise<void>
  /** Failed units run again, with a new count of attempts; others stay as they are. @returns how many */
  retryWorkUnits(query?: WorkUnitQuery): Promise<number>
  /** Calls `clearActiveAttempt` of each unit, also of finished and pending ones. @returns how many */
  clearWorkUnits(query?: WorkUnitQuery): Promise<number>
  /** @returns how many */
  deleteWorkUnits(query?: WorkUnitQuery): Promise<number>
  /** One row for each status that units of this spec have. */
  summarize(): Promise<SummaryRow[]>
}

/** One piece of work. It is available without an active attempt, or with one that expired or is to be retried. */
export interface WorkUnit {
  readonly name: string
  readonly workSpec: WorkSpec
  /** The data of its active attempt; without one, its own. */
  data(): Promise<Data>
  /** 'pending' while leased, 'finished' or 'failed' as its attempt ended; else 'delayed' before `notBefore`, then 'available'. */
  status(): Promise<WorkUnitStatus>
  /** Its priority and, if it has one, `notBefore`. */
  meta(): Promise<WorkUnitMeta>
  /** Replaces both fields: without a priority it is 0, and without `notBefore` the unit is not delayed. */
  setMeta(meta: WorkUnitMeta): Promise<void>
  /** Higher first. 0 unless it was set. */
  priority(): Promise<number>
  /** Any finite number; leaves `notBefore` as it is. */
  setPriority(priority: number): Promise<void>
  /** The last attempt, also once it has ended; undefined before the first, once cleared, and once added again after an end. */
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
  /** Undefined if the unit was never delayed. */
  readonly notBefore?: Date
  /** Including pruned ones. */
  readonly numAttempts: number
}

/** A worker as its namespace knows it. It renews its record; one that doesn't counts as gone. */
export interface CoordinateWorkerRecord {
  readonly name: string
  /** The worker that it is a child of; undefined for none. */
  parent(): Promise<CoordinateWorkerRecord | undefined>
  /** Makes it a child of another worker; undefined: of none. */
  setParent(worker: CoordinateWorkerRecord | undefined): Promise<void>
  /** In the order of their names, also inactive ones. */
  children(): Promise<CoordinateWorkerRecord[]>
  /** False from `deactivate` until the next `update`. Does not look at the expiration. */
  active(): Promise<boolean>
  /** Marks it as inactive. Its attempts stay until they end or expire. */
  deactivate(): Promise<void>
  /** Of its last update; '' before the first. */
  mode(): Promise<string>
  /** Of its last update; {} before the first. */
  data(): Promise<Data>
  /** When it counts as gone: as its last update said, or 15 m after its record was created. */
  expiration(): Promise<Date>
  /** The `now` of its last update, or when its record was created. */
  lastUpdate(): Promise<Date>
  /** Updates the worker, which is active from then on. */
  update(update: WorkerUpdate): Promise<void>
  /** Leases available units, all of one spec; none when there is nothing to do. */
  requestAttempts(request?: AttemptRequest): Promise<Attempt[]>
  /** Leases this unit, even if another worker has it. @param lifetime default 15 m */
  makeAttempt(unit: WorkUnit, lifetime?: Duration): Promise<Attempt>
  /** The worker's pending attempts that are their units' active ones. */
  activeAttempts(): Promise<Attempt[]>
  /** Ended ones too, except those that were pruned or deleted; the oldest first. */
  allAttempts(): Promise<Attempt[]>
  /** The active attempts of its children. */
  childAttempts(): Promise<Attempt[]>
}

/** One worker's lease on one unit. After its expiry, it stays the unit's active one until another worker takes the unit. */
export interface Attempt {
  readonly workUnit: WorkUnit
  readonly worker: CoordinateWorkerRecord
  /** 'expired' once its expiration has passed, without a call. */
  status(): Promise<AttemptStatus>
  /** A copy of its unit's data, until a call brings other data. */
  data(): Promise<Data>
  /** When the unit was leased. */
  startTime(): Promise<Date>
  /** Undefined while it is pending. */
  endTime(): Promise<Date | undefined>
  /** When the lease ends unless it is renewed. */
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
