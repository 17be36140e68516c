/** All attempts of the schema runutil, as a table: the active ones, which are with their units, and those that no longer are. */
export const ALL_ATTEMPTS = `(
  select unit, id, worker, start_time, end_time, expiration_time, status from runutil.work_past_attempts
  union all
  select id, active, worker, start_time, end_time, expires, status from runutil.work_units where active is not null
)`
