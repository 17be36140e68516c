import { type Database, openDatabase } from 'runutil/postgres'
import { inject } from 'vitest'
import { createDatabase, dropDatabase } from './create-database.ts'

export interface FreshDatabase {
  readonly url: string
  readonly drop: () => Promise<void>
}

/** A database of its own on the server that the whole run shares. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const url = await createDatabase(inject('postgresUrl'))
  return { url, drop: () => dropDatabase(url) }
}

/**
 * Each kind of Database, empty, for `describe.each`. To be closed by whoever opens it. PGlite takes a while to open:
 * open one a file, and give each test a schema of its own.
 */
export const kindsOfDatabase: readonly { name: string; open: () => Promise<Database> }[] = [
  { name: 'PGlite', open: () => openDatabase('memory:') },
  { name: 'PostgreSQL', open: async () => openDatabase((await freshDatabase()).url) },
]
