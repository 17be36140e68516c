import type {
  AttemptStore,
  CoordinateStore,
  NamespaceStore,
  SpecStore,
  UnitStore,
  WorkerStore,
} from '../../coordinate/coordinate-store.ts'
import { unexpected } from '../../core/errors.ts'
import { has } from '../../core/has.ts'
import { checkOptions } from '../../core/options.ts'
import type { Database } from '../database/database.ts'
import { DEFAULT_SCHEMA } from '../schema/schema-name.ts'
import { Attempts } from './attempts.ts'
import { Namespaces } from './namespaces.ts'
import { Queries } from './queries.ts'
import { Specs } from './specs.ts'
import { Units } from './units.ts'
import { Workers } from './workers.ts'

export interface PostgresCoordinateStoreOptions {
  /** Where `migrate` put the tables. Default 'runutil'. */
  schema?: string | undefined
}

/**
 * Work in PostgreSQL or PGlite. Call `migrate(database)` first.
 *
 * Each method is one statement. Requests within a namespace come one after another; what ends an attempt locks its unit.
 *
 * @example
 * const database = await openDatabase()
 * await migrate(database)
 * const coordinate = createCoordinate(new PostgresCoordinateStore(database))
 */
export class PostgresCoordinateStore implements CoordinateStore {
  readonly namespaces: NamespaceStore
  readonly specs: SpecStore
  readonly units: UnitStore
  readonly workers: WorkerStore
  readonly attempts: AttemptStore

  /** @throws InvalidArgumentError */
  constructor(database: Database, options: PostgresCoordinateStoreOptions = {}) {
    const what = 'PostgresCoordinateStore'
    const { schema = DEFAULT_SCHEMA } = checkOptions(what, options, ['schema'])
    if (!has(database, 'transaction')) throw unexpected(what, 'what openDatabase() resolves with', database)
    const queries = new Queries(database, schema, 'work')
    this.namespaces = new Namespaces(queries)
    this.specs = new Specs(queries)
    this.units = new Units(queries)
    this.workers = new Workers(queries)
    this.attempts = new Attempts(queries)
  }
}
