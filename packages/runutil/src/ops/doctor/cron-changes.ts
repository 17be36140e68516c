import { nextRuns } from '../../cron/next-runs.ts'

export interface CronChange {
  /** When the clocks are set, in ms since the epoch. */
  readonly at: number
  readonly kind: 'skipped' | 'doubled'
}

export interface CronChangesProps {
  readonly pattern: string
  readonly timezone: string
  /** Ms since the epoch. */
  readonly from: number
  readonly to: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const HALF_DAY_MS = DAY_MS / 2
/** More runs in a day than this are too many for one to be missed. */
const MOST_COUNTED = 500

/**
 * The clock changes that make a pattern run less or more often than its times of day say. One that runs in every hour just goes on, and
 * so does one with a single time of day, which `cron` runs once.
 */
export function cronChanges({ pattern, timezone, from, to }: CronChangesProps): CronChange[] {
  return clockChanges(timezone, from, to).flatMap(({ at, before, after }): CronChange[] => {
    // Times of day as if they were those of UTC, where each of them comes once.
    const shown = (first: number, last: number): number => runsWithin(pattern, 'UTC', first, last)
    const touched = shown(at + Math.min(before, after), at + Math.max(before, after))
    if (touched === 0 || runsHourly(pattern, at + before)) return []
    const times = shown(at + before - HALF_DAY_MS, at + after + HALF_DAY_MS)
    const runs = runsWithin(pattern, timezone, at - HALF_DAY_MS, at + HALF_DAY_MS)
    if (runs === times) return []
    return [{ at, kind: runs < times ? 'skipped' : 'doubled' }]
  })
}

function runsHourly(pattern: string, local: number): boolean {
  const first = local - HALF_DAY_MS
  const hours = Array.from({ length: 24 }, (_, hour) => first + hour * HOUR_MS)
  return hours.every((hour) => runsWithin(pattern, 'UTC', hour, hour + HOUR_MS, 1) > 0)
}

/** From `first` on and before `last`. */
function runsWithin(
  pattern: string,
  timezone: string,
  first: number,
  last: number,
  most = MOST_COUNTED,
): number {
  const runs = nextRuns(pattern, { timezone, from: new Date(first - 1), count: most })
  return runs.filter((run) => run.getTime() < last).length
}

interface ClockChange {
  readonly at: number
  /** How far the clocks of the time zone are ahead of UTC, in ms. */
  readonly before: number
  readonly after: number
}

function clockChanges(timezone: string, from: number, to: number): ClockChange[] {
  const offsetAt = offsetsOf(timezone)
  const changes: ClockChange[] = []
  for (let day = from; day < to; day += DAY_MS) {
    const before = offsetAt(day)
    const after = offsetAt(day + DAY_MS)
    if (before !== after) changes.push({ at: momentOf(offsetAt, day, day + DAY_MS), before, after })
  }
  return changes
}

/** The first second with the offset of `to`. */
function momentOf(offsetAt: (ms: number) => number, from: number, to: number): number {
  let last = Math.floor(from / 1_000)
  let first = Math.ceil(to / 1_000)
  while (first - last > 1) {
    const middle = Math.floor((first + last) / 2)
    if (offsetAt(middle * 1_000) === offsetAt(to)) first = middle
    else last = middle
  }
  return first * 1_000
}

function offsetsOf(timezone: string): (ms: number) => number {
  const field = '2-digit'
  const format = new Intl.DateTimeFormat('en-US-u-hc-h23', {
    timeZone: timezone,
    year: 'numeric',
    month: field,
    day: field,
    hour: field,
    minute: field,
    second: field,
  })
  return (ms) => {
    const parts = format.formatToParts(ms).filter(({ type }) => type !== 'literal')
    const part = (name: string): number => Number(parts.find(({ type }) => type === name)?.value)
    const shown = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    )
    return shown - Math.floor(ms / 1_000) * 1_000
  }
}
