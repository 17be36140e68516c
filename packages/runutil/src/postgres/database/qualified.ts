/**
 * The session's search_path can't be trusted: a role that can create objects in a schema on it can shadow an operator or a
 * function of PostgreSQL with one whose types fit better, which then runs as this role. So statements qualify every name, or
 * call a function that pins its search_path. Keywords need no schema: `bigint`, `double precision`, `boolean`, `coalesce`.
 */
export const EQ = 'operator(pg_catalog.=)'
export const GT = 'operator(pg_catalog.>)'
export const TEXT = 'pg_catalog.text'
export const JSON_TYPE = 'pg_catalog.json'
/** A list sent as text, which every driver passes on unchanged: `$1::${TEXTS}`. */
export const TEXTS = 'pg_catalog.text::pg_catalog.text[]'

/** The time in so many ms. @param ms a parameter */
export function inMs(ms: string): string {
  return /* sql */ `pg_catalog.clock_timestamp() operator(pg_catalog.+) (${ms}::double precision operator(pg_catalog.*) interval '1 ms')`
}

/** @param ms a parameter: in ms since the epoch */
export function timeOf(ms: string): string {
  return /* sql */ `pg_catalog.to_timestamp(${ms}::double precision operator(pg_catalog./) 1000)`
}

/** @param time an expression: in ms since the epoch */
export function msOf(time: string): string {
  return /* sql */ `pg_catalog.date_part('epoch', ${time}) operator(pg_catalog.*) 1000`
}
