import type { CoordinateStore, CoordinateTables } from '../../coordinate/coordinate-store.ts'
import { unexpected } from '../../core/errors.ts'
import { has } from '../../core/has.ts'
import { checkOptions } from '../../core/options.ts'
import type { Database } from '../database/database.ts'
import { DEFAULT_SCHEMA, quotedSchema } from '../schema/schema-name.ts'
import { Attempts } from './attempts.ts'
import { Namespaces } from './namespaces.ts'
import { Queries } from './queries.ts'
import { Specs } from './specs.ts'
import { Units } from './units.ts'
import { Workers } from './workers.ts'

/** Options of a `PostgresCoordinateStore`. */
export interface PostgresCoordinateStoreOptions {
  /** Where `migrate` put the tables. Default 'runutil'. */
  schema?: string | undefined
}

/**
 * Work in PostgreSQL or PGlite. Call `migrate(database)` first.
 *
 * Each method is one statement. Requests within a namespace are serialized; ending an attempt locks its unit.
 *
 * @example
 * const database = await openDatabase()
 * await migrate(database)
 * const coordinate = createCoordinate(new PostgresCoordinateStore(database))
 */
export class PostgresCoordinateStore implements CoordinateStore {
  readonly #database: Database
  readonly #schema: string

  /** @throws InvalidArgumentError */
  constructor(database: Database, options: PostgresCoordinateStoreOptions = {}) {
    const what = 'PostgresCoordinateStore'
    const { schema = DEFAULT_SCHEMA } = checkOptions(what, options, ['schema'])
    if (!has(database, 'transaction')) throw unexpected(what, 'what openDatabase() resolves with', database)
    // What is wrong with the name is said at once.
    quotedSchema(schema)
    this.#database = database
    this.#schema = schema
  }

  withTime(now: (() => number) | undefined): CoordinateTables {
    const queries = new Queries(this.#database, this.#schema, now)
    return {
      namespaces: new Namespaces(queries),
      specs: new Specs(queries),
      units: new Units(queries),
      workers: new Workers(queries),
      attempts: new Attempts(queries),
    }
  }
}
