import type { PgPoolOptions } from './pg-pool.ts'

/** The server of a pool for error messages: host and port, no secrets. */
export function serverOf({ connectionString, host, port }: PgPoolOptions): string {
  const url = connectionString === undefined ? undefined : parsed(connectionString)
  const name = url?.searchParams.get('host') || url?.hostname || host || process.env.PGHOST || 'localhost'
  return `PostgreSQL at ${name}:${url?.port || port || process.env.PGPORT || 5432}`
}

function parsed(url: string): URL | undefined {
  try {
    return new URL(url)
  } catch {
    return undefined
  }
}
