export type { Database, QueryOptions, Statement, StatementOptions, Transaction } from './database/database.ts'
export { LockLostError } from '../core/held-lock.ts'
export { MissingPeerError } from '../core/missing-peer-error.ts'
export {
  DatabaseClosedError,
  DatabaseRefusedError,
  DatabaseSettingError,
  MigrationError,
  PermissionDeniedError,
  SchemaChangedError,
  SchemaMissingError,
  SchemaTooNewError,
  TransactionRolledBackError,
} from './database/errors.ts'
export {
  BundledPeerError,
  DatabaseFolderError,
  DatabaseFullError,
  DatabaseInUseError,
  DatabasePanicError,
} from './database/embedded-errors.ts'
export { type MigrateOptions, migrate } from './schema/migrate.ts'
export { type DatabaseTarget, type OpenDatabaseOptions, openDatabase } from './database/open-database.ts'
export { PostgresActionLedger, type PostgresActionLedgerOptions } from './dispatch/postgres-action-ledger.ts'
export {
  PostgresCoordinateStore,
  type PostgresCoordinateStoreOptions,
} from './coordinate/postgres-coordinate-store.ts'
export { PostgresLeaseStore, type PostgresLeaseStoreOptions } from './leases/postgres-lease-store.ts'
export { PostgresJobStore, type PostgresJobStoreOptions } from './queue/postgres-job-store.ts'
export { PostgresDiagnosis, type PostgresDiagnosisOptions } from './ops/postgres-diagnosis.ts'
export { PostgresReplicaStore, type PostgresReplicaStoreOptions } from './ops/postgres-replica-store.ts'
