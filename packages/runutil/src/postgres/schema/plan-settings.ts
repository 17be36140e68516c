/** Pins a function's search_path: its names are PostgreSQL's or qualified. See database/qualified.ts. */
export const PINNED = /* sql */ `set search_path = pg_catalog, pg_temp`

/**
 * Independent of statistics: a plan is made once per connection, while tables grow. And only once, since planning each call
 * would take longer than the call.
 */
export const BY_INDEX = /* sql */ `${PINNED} set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
  set enable_mergejoin = off set enable_hashjoin = off`

/** The same for joins of lists: by hash, since they have no index. */
export const BY_HASH = BY_INDEX.replace('enable_hashjoin = off', 'enable_hashjoin = on')

/**
 * A join of a list with a table by an indexed column that looks up each value of the list. With a plain equation, PostgreSQL
 * may walk the whole index and search the list for each row: best while the table is small, and then kept while it grows. Where
 * hash joins are on, other columns are compared in this way too.
 */
export const lookedUp = (column: string, value: string): string => `${column} = any (array[${value}])`

/**
 * A condition on a row that is looked up by its key, as a filter only. As it stands, PostgreSQL may walk a partial index that has
 * this condition from end to end: as good while the table is empty, and then kept while it grows.
 */
export const asFilter = (condition: string): string => `coalesce(${condition}, false)`
