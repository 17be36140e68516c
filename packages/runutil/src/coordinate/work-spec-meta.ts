import { describe } from '../core/describe.ts'
import { LONGEST_MS } from '../core/duration.ts'
import { isWholeNumber } from '../core/whole-number.ts'
import { ErrBadWorkSpecName, ErrNoWorkSpecName } from './errors.ts'
import { isUsableNumber } from './usable-number.ts'

/** Any JSON object with a `name`; for the fields that the scheduler reads, see `metaOf`. */
export type WorkSpecData = Record<string, unknown>

/** How a spec is scheduled. A limit of 0 means none, as does a name of ''. */
export interface WorkSpecMeta {
  /** Only the specs with the highest priority among those with work are worked on. */
  priority: number
  /** Its share among specs of one priority; none at 0 or less. */
  weight: number
  /** Whether no unit of it is handed out; attempts that run go on. */
  paused: boolean
  /** Whether a unit is added when it has none. */
  continuous: boolean
  /** Whether its data says `continuous: true`; only then can `continuous` be set. */
  readonly canBeContinuous: boolean
  /** The memory that a worker has to offer, in GB; 0: any. */
  readonly minMemoryGb: number
  /** Ms between the starts of a continuous spec's units. */
  interval: number
  /** The earliest start of a continuous spec's next unit. */
  nextContinuous: Date | undefined
  /** The most pending units. */
  maxRunning: number
  /** The most units leased by one request. */
  maxAttemptsReturned: number
  /**
   * A unit with this many attempts since it was last added, cleared or finished fails instead of being leased again.
   */
  maxRetries: number
  /** The spec to which the `output` of a finished unit adds units. */
  readonly nextWorkSpecName: string
  /** Only requests for this runtime, or for any, get its units; a CoordinateWorker asks for 'node' unless told otherwise. */
  readonly runtime: string
  /** Counted only on request; otherwise 0. */
  readonly availableCount: number
  /** Counted only on request; otherwise 0. */
  readonly pendingCount: number
}

/** The part of the meta that comes from the data. */
export type DerivedMeta = Omit<WorkSpecMeta, 'nextContinuous' | 'availableCount' | 'pendingCount'>

const DEFAULT_WEIGHT = 20

/**
 * The scheduling options in a spec's data: `priority`, `weight` (default 20 − `nice`, at least 1), `disabled`,
 * `continuous`, `interval` in seconds, `max_running`, `max_getwork`, `max_retries`, `then`, `runtime`, `min_gb`. A field
 * of the wrong type is ignored, and so is what `setMeta` would refuse: a limit that isn't a whole number of 0 or more, a negative
 * interval, a number that a store can't calculate with.
 */
export function metaOf(data: WorkSpecData): DerivedMeta {
  const continuous = data['continuous'] === true
  return {
    priority: numberIn(data, 'priority') ?? 0,
    weight: weightIn(data),
    paused: data['disabled'] === true,
    continuous,
    canBeContinuous: continuous,
    minMemoryGb: numberIn(data, 'min_gb') ?? 0,
    interval: intervalIn(data),
    maxRunning: limitIn(data, 'max_running'),
    maxAttemptsReturned: limitIn(data, 'max_getwork'),
    maxRetries: limitIn(data, 'max_retries'),
    nextWorkSpecName: stringIn(data, 'then') ?? '',
    runtime: stringIn(data, 'runtime') ?? '',
  }
}

/** The task that works on a spec, if its data names one; otherwise it is the task with the spec's name. */
export function taskIn(data: WorkSpecData): string | undefined {
  return stringIn(data, 'task')
}

/** @throws ErrNoWorkSpecName, ErrBadWorkSpecName */
export function nameIn(data: WorkSpecData): string {
  const { name } = data
  if (name === undefined) throw new ErrNoWorkSpecName()
  if (typeof name !== 'string') throw new ErrBadWorkSpecName(describe(name))
  return name
}

function weightIn(data: WorkSpecData): number {
  const weight = numberIn(data, 'weight')
  if (weight !== undefined) return weight
  const nice = numberIn(data, 'nice')
  return nice === undefined ? DEFAULT_WEIGHT : Math.max(1, DEFAULT_WEIGHT - nice)
}

function numberIn(data: WorkSpecData, field: string): number | undefined {
  const value = data[field]
  return isUsableNumber(value) ? value : undefined
}

/** In ms. */
function intervalIn(data: WorkSpecData): number {
  const seconds = data['interval']
  return typeof seconds === 'number' && seconds > 0 ? Math.min(LONGEST_MS, seconds * 1_000) : 0
}

function limitIn(data: WorkSpecData, field: string): number {
  const value = data[field]
  return isWholeNumber(value) ? value : 0
}

function stringIn(data: WorkSpecData, field: string): string | undefined {
  const value = data[field]
  return typeof value === 'string' ? value : undefined
}
