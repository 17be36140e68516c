import { unexpected } from '../../core/errors.ts'
import { checkOptions } from '../../core/options.ts'
import { has } from '../../core/worker.ts'
import type {
  AttemptStore,
  CoordinateStore,
  NamespaceStore,
  SpecStore,
  UnitStore,
  WorkerStore,
} from '../../coordinate/coordinate-store.ts'
import type { Database } from '../database/database.ts'
import { DEFAULT_SCHEMA } from '../schema/schema-name.ts'
import { WorkAttempts } from './attempts.ts'
import { WorkNamespaces } from './namespaces.ts'
import { WorkQueries } from './queries.ts'
import { WorkSpecs } from './specs.ts'
import { WorkUnits } from './units.ts'
import { WorkWorkers } from './workers.ts'

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
    const queries = new WorkQueries(database, schema)
    this.namespaces = new WorkNamespaces(queries)
    this.specs = new WorkSpecs(queries)
    this.units = new WorkUnits(queries)
    this.workers = new WorkWorkers(queries)
    this.attempts = new WorkAttempts(queries)
  }
}
