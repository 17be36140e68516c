export type { Database, Statement, Transaction } from './database.ts'
export {
  DatabaseClosedError,
  DatabaseInUseError,
  DatabaseRefusedError,
  MigrationError,
  MissingPeerError,
  SchemaMissingError,
  SchemaTooNewError,
  TransactionRolledBackError,
} from './errors.ts'
export { type MigrateOptions, migrate } from './migrate.ts'
export { type DatabaseTarget, type OpenDatabaseOptions, openDatabase } from './open-database.ts'
export { PostgresActionLedger, type PostgresActionLedgerOptions } from './postgres-action-ledger.ts'
export { PostgresCoordinateStore, type PostgresCoordinateStoreOptions } from './postgres-coordinate-store.ts'
export { PostgresLeaseStore, type PostgresLeaseStoreOptions } from './postgres-lease-store.ts'
export { PostgresJobStore, type PostgresJobStoreOptions } from './postgres-job-store.ts'
