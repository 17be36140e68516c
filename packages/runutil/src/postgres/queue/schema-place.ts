import type { Database } from '../database/database.ts'

const places = new WeakMap<Database, Map<string, object>>()

/** The same for all stores on one schema of a database. */
export function schemaPlace(database: Database, schema: string): object {
  const ofDatabase = places.get(database) ?? new Map<string, object>()
  places.set(database, ofDatabase)
  const place = ofDatabase.get(schema) ?? {}
  ofDatabase.set(schema, place)
  return place
}
