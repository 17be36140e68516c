/** Of a function: all in it is PostgreSQL's or named in full, whatever the session's search_path. See database/qualified.ts. */
export const PINNED = /* sql */ `set search_path = pg_catalog, pg_temp`

/**
 * Whatever the statistics say: a plan is made once a connection, while tables grow. And it is made once, not anew for
 * each call, which would take longer than the call.
 */
export const BY_INDEX = /* sql */ `${PINNED} set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
  set enable_mergejoin = off set enable_hashjoin = off`

/** The same for lists that are joined with each other: by hash, since no index knows them. */
export const BY_HASH = BY_INDEX.replace('enable_hashjoin = off', 'enable_hashjoin = on')
