import type { Database } from 'runutil/postgres'

/** How many rows have been read so far, by table. */
export async function rowsRead(database: Database): Promise<Map<string, number>> {
  await database.query({ text: 'select pg_stat_force_next_flush()' })
  const text = `select relname, (coalesce(idx_tup_fetch, 0) + seq_tup_read)::float8 from pg_stat_user_tables`
  return new Map(await database.query<[string, number]>({ text }))
}

/** Of all tables together. */
export async function allRowsRead(database: Database): Promise<number> {
  return [...(await rowsRead(database)).values()].reduce((sum, rows) => sum + rows, 0)
}
