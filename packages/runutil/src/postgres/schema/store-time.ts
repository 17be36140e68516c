import { LEAST_STEP_MS } from '../../core/clock-steps.ts'
import { timeOf } from '../database/qualified.ts'

/** A time further ahead than its own length plus this was written before the clock was set back. */
export const SLACK = /* sql */ `interval '${LEAST_STEP_MS} ms'`

/** The current time of a store: `p_now`, from the store's own clock in ms since the epoch, or else the database's. */
export const storeTime = (s: string): string => /* sql */ `
create function ${s}.store_time(p_now float8) returns timestamptz language sql volatile as
  $$ select coalesce(${timeOf('p_now')}, pg_catalog.clock_timestamp()) $$;
`
