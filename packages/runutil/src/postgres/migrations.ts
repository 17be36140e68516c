import type { Migration } from './migration.ts'
import { queueMigration } from './migration-1-queue.ts'
import { coordinateMigration } from './migration-2-coordinate.ts'
import { leasesMigration } from './migration-3-leases.ts'
import { dispatchMigration } from './migration-4-dispatch.ts'

/** All steps in their order. */
export const migrations: readonly Migration[] = [
  queueMigration,
  coordinateMigration,
  leasesMigration,
  dispatchMigration,
]
