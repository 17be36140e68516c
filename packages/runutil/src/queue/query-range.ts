import { unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { END_OF_TIME } from './outcome.ts'

/** Times between the given ones; at least one is required. */
export interface QueryRange {
  /** This time or later. */
  readonly gte?: Date | undefined
  /** Later than this. */
  readonly gt?: Date | undefined
  /** Earlier than this. */
  readonly lt?: Date | undefined
  /** This time or earlier. */
  readonly lte?: Date | undefined
}

/** Times in whole ms since the epoch. A time with a fraction of a ms counts as the Date that a job shows it as: rounded. */
export interface TimeRange {
  /** Inclusive. */
  readonly from: number | undefined
  /** Exclusive. */
  readonly before: number | undefined
}

const BOUNDS = ['gte', 'gt', 'lt', 'lte'] as const

/** @throws InvalidArgumentError */
export function resolveRange(range: QueryRange | undefined, what: string): TimeRange | undefined {
  if (range === undefined) return undefined
  const bounds = checkOptions(what, range, BOUNDS)
  const [gte, gt, lt, lte] = BOUNDS.map((bound) => msOf(bounds[bound], `${what}.${bound}`))
  const from = most(Math.max, gte, gt === undefined ? undefined : gt + 1)
  const before = most(Math.min, lt, lte === undefined ? undefined : Math.min(lte + 1, END_OF_TIME))
  if (from !== undefined || before !== undefined) return { from, before }
  throw unexpected(what, `a Date as gte, gt, lt or lte`, range)
}

function msOf(date: Date | undefined, what: string): number | undefined {
  if (date === undefined) return undefined
  if (date instanceof Date && Number.isFinite(date.getTime())) return storable(date.getTime())
  throw unexpected(what, 'a Date', date, date instanceof Date ? ' that is invalid' : '')
}

/** No job has a time before or after these, which databases can't store. */
function storable(time: number): number {
  return Math.min(Math.max(time, -1), END_OF_TIME)
}

function most(
  choose: (...values: number[]) => number,
  a: number | undefined,
  b: number | undefined,
): number | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return choose(a, b)
}
