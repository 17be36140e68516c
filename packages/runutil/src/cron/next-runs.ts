import { wholeNumber } from '../core/whole-number.ts'
import { currentClock } from '../core/context.ts'
import { unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { isInstance } from '../core/thrown.ts'
import { CronTimes } from './cron-times.ts'

/** Options of `nextRuns`. */
export interface NextRunsOptions {
  /** An IANA name such as 'Europe/Berlin'. Default 'UTC'. */
  timezone?: string | undefined
  /** The time after which they lie. Default: now. */
  from?: Date | undefined
  /** How many. Default 5. */
  count?: number | undefined
}

const MAX_RUNS = 10_000

/**
 * The next instants of a pattern, as `cron` would run it: to show on a page, or to check what a pattern means. Fewer than
 * `count` if the pattern has a last year.
 *
 * @throws InvalidArgumentError for a pattern or time zone that `cron` refuses
 *
 * @example
 * nextRuns('30 2 * * *', { timezone: 'Europe/Berlin', count: 3 })
 */
export function nextRuns(pattern: string, options: NextRunsOptions = {}): Date[] {
  const what = 'nextRuns'
  const {
    timezone = 'UTC',
    from = new Date(currentClock().now()),
    count = 5,
  } = checkOptions(what, options, ['timezone', 'from', 'count'])
  if (!isInstance(from, Date) || Number.isNaN(from.getTime()))
    throw unexpected(`${what}: from`, 'a valid Date', from)
  wholeNumber(count, `${what}: count`, { min: 1, max: MAX_RUNS })
  const times = new CronTimes(what, pattern, timezone)
  const found: Date[] = []
  for (let at = times.after(from.getTime()); at !== undefined; at = times.after(at)) {
    found.push(new Date(at))
    if (found.length === count) break
  }
  return found
}
