/**
 * The session's search_path isn't ours: who may create in a schema on it can shadow an operator or a function of
 * PostgreSQL, by one whose types fit better, and have his own run as this role. So what is sent names all in full, or
 * calls a function that pins its path. Keywords need no name: `bigint`, `double precision`, `boolean`, `coalesce`.
 */
export const EQ = 'operator(pg_catalog.=)'
export const GT = 'operator(pg_catalog.>)'
export const TEXT = 'pg_catalog.text'
export const JSON_TYPE = 'pg_catalog.json'
/** A list that comes as text, which every driver passes on as it is: `$1::${TEXTS}`. */
export const TEXTS = 'pg_catalog.text::pg_catalog.text[]'

/** @param ms a parameter: so many ms from now on */
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
