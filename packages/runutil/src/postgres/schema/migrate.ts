import { createHash } from 'node:crypto'
import { checkOptions } from '../../core/options.ts'
import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import { toError } from '../../core/thrown.ts'
import type { Database, Transaction } from '../database/database.ts'
import { MigrationError, SchemaChangedError } from '../database/errors.ts'
import { grantStatements } from '../database/grant-statements.ts'
import { permissionError } from '../database/permission-error.ts'
import { TEXT } from '../database/qualified.ts'
import { quotedName } from '../database/quoted-name.ts'
import { type Ask, appliedTo, tableOf, tooNew } from './applied.ts'
import { rolesOf, rolesWithoutGrants, tablesOf } from './grants.ts'
import type { Migration } from './migration.ts'
import { migrations } from './migrations.ts'
import { DEFAULT_SCHEMA, quotedSchema } from './schema-name.ts'

/** Options of `migrate`. */
export interface MigrateOptions {
  /** The schema of all tables; created if missing. Default 'runutil'. */
  schema?: string | undefined
  /**
   * Roles to be granted the privileges that a service needs: to use the schema, not to change it. For services whose role
   * doesn't own the schema; call `migrate` as the role that does.
   */
  grantTo?: string | readonly string[] | undefined
}

/**
 * Migrates the schema to this version of runutil, completely or not at all. Safe to call at each start, by any number of
 * processes at once: each migration is applied once. Without pending migrations it only needs to read. A schema migrated by
 * the next version is accepted, so that old replicas can run, and restart, next to new ones.
 *
 * @throws InvalidArgumentError for an invalid schema name or a missing role; SchemaTooNewError when a version after the next
 *   has migrated the schema, SchemaChangedError when a pre-release has, MigrationError when a migration fails,
 *   PermissionDeniedError when the role lacks privileges
 *
 * @example
 * await migrate(database, { grantTo: 'app' })
 */
export async function migrate(database: Database, options: MigrateOptions = {}): Promise<void> {
  const { schema = DEFAULT_SCHEMA, grantTo } = checkOptions('migrate', options, ['schema', 'grantTo'])
  await applyMigrations(database, schema, migrations, rolesOf(grantTo))
}

/** `migrate` with a given list of migrations. */
export async function applyMigrations(
  database: Database,
  schema: string,
  list: readonly Migration[],
  roles: readonly string[] = [],
): Promise<void> {
  const quoted = quotedSchema(schema)
  try {
    const ask: Ask = (text, params) => database.query({ text }, params)
    // Usually there is nothing to do, which mustn't require waiting for a lock.
    if (await isDone(ask, schema, list, roles)) return
    await database.transaction(async (tx) => {
      await lock(tx, schema)
      const asked: Ask = async (text, params) =>
        (await tx.query(text, params)).rows.map((row) => Object.values(row as object) as unknown[])
      await createTable(tx, asked, schema)
      for (const migration of await missing(asked, schema, list)) await apply(tx, quoted, migration)
      await grant(tx, asked, schema, roles)
    })
  } catch (error) {
    throw permissionError(error, schema) ?? error
  }
}

async function isDone(
  ask: Ask,
  schema: string,
  list: readonly Migration[],
  roles: readonly string[],
): Promise<boolean> {
  if ((await missing(ask, schema, list)).length > 0) return false
  return (await rolesWithoutGrants(ask, schema, roles)).length === 0
}

/** @throws SchemaTooNewError, SchemaChangedError */
async function missing(ask: Ask, schema: string, list: readonly Migration[]): Promise<readonly Migration[]> {
  const applied = await appliedTo(ask, schema)
  const { checksums } = applied
  const error = tooNew(schema, applied, Math.max(0, ...list.map(({ number }) => number)))
  if (error !== undefined) throw error
  const changed = list.find(
    (migration) =>
      checksums.has(migration.number) && checksums.get(migration.number) !== checksumOf(migration),
  )
  if (changed !== undefined) throw new SchemaChangedError(schema, changed)
  return list.filter(({ number }) => !checksums.has(number))
}

/** The checksum of a migration's SQL, independent of the schema. */
export function checksumOf(migration: Migration): string {
  return createHash('sha256').update(migration.sql('"runutil"')).digest('hex').slice(0, 32)
}

/**
 * Serializes migrations of one schema, without the time limits of the database. Names in the migrations are PostgreSQL's
 * own, or qualified by the schema.
 */
async function lock(tx: Transaction, schema: string): Promise<void> {
  await tx.script(
    /* sql */ `set local search_path = pg_catalog, pg_temp; set local statement_timeout = 0; set local lock_timeout = 0`,
  )
  const text = /* sql */ `select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1::${TEXT}, 0))`
  await tx.query(text, [`runutil migrate ${schema}`])
}

/** A role may own a schema that was made for it, without the privilege to create one. */
async function createTable(tx: Transaction, ask: Ask, schema: string): Promise<void> {
  const quoted = quotedSchema(schema)
  const [exists] = await ask(/* sql */ `select pg_catalog.to_regnamespace($1::${TEXT}) is not null`, [quoted])
  if (exists![0] !== true) await tx.script(/* sql */ `create schema if not exists ${quoted}`)
  const [isThere] = await tableOf(ask, schema)
  if (isThere) return
  await tx.script(/* sql */ `create table ${quoted}.migrations (number int primary key, name text not null,
    applied_at timestamptz not null default pg_catalog.now(), checksum text, needs int)`)
}

async function apply(tx: Transaction, quoted: string, migration: Migration): Promise<void> {
  try {
    await tx.script(migration.sql(quoted))
    const { number, name, needs = number - 1 } = migration
    const record = /* sql */ `insert into ${quoted}.migrations (number, name, checksum, needs) values ($1, $2, $3, $4)`
    await tx.query(record, [number, name, checksumOf(migration), needs])
  } catch (error) {
    if (error instanceof StoreUnavailableError) throw error
    throw new MigrationError(migration, toError(error))
  }
}

async function grant(tx: Transaction, ask: Ask, schema: string, roles: readonly string[]): Promise<void> {
  const lacking = await rolesWithoutGrants(ask, schema, roles)
  if (lacking.length === 0) return
  const tables = await tablesOf(ask, schema)
  for (const role of lacking) {
    const statements = grantStatements(quotedSchema(schema), quotedName(role, 'migrate: grantTo'), tables)
    await tx.script(statements.join(';'))
  }
}
