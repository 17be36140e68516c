import { LEAST_STEP_MS } from '../../core/clock-steps.ts'
import { timeOf } from '../database/qualified.ts'

/** What lies further ahead than this beyond its own length was written before the clock was set back. */
export const SLACK = /* sql */ `interval '${LEAST_STEP_MS} ms'`

/** What time it is for a store: that of the clock that it was given, in ms since the epoch, or the database's own. */
export const storeTime = (s: string): string => /* sql */ `
create function ${s}.store_time(p_now float8) returns timestamptz language sql volatile as
  $$ select coalesce(${timeOf('p_now')}, pg_catalog.clock_timestamp()) $$;
`
