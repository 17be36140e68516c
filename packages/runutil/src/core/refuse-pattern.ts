import { describe } from './describe.ts'
import { InvalidArgumentError } from './errors.ts'

/** Five fields or more, or '@daily'. */
const PATTERN = /^\s*(@[a-z]+|\S+(\s+\S+){4,6})\s*$/i

/** @param instead the call that takes a pattern @throws InvalidArgumentError for a cron pattern where an interval is expected */
export function refusePattern(what: string, every: unknown, instead: string): void {
  if (typeof every !== 'string' || !PATTERN.test(every)) return
  throw new InvalidArgumentError(
    `${what}: expected a duration such as '5s' or '1h'; got the cron pattern ${describe(every)}; ` +
      `for a time of day use ${instead}`,
  )
}
