import { queueMigration } from './1-queue/queue-migration.ts'
import { coordinateMigration } from './2-coordinate/coordinate-migration.ts'
import { leasesMigration } from './3-leases.ts'
import { dispatchMigration } from './4-dispatch/dispatch-migration.ts'
import { opsMigration } from './5-ops.ts'
import type { Migration } from './migration.ts'

/** All migrations in order. */
export const migrations: readonly Migration[] = [
  queueMigration,
  coordinateMigration,
  leasesMigration,
  dispatchMigration,
  opsMigration,
]
