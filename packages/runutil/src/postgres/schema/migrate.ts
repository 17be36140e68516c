import { toError } from '../../core/errors.ts'
import { checkOptions } from '../../core/options.ts'
import { StoreUnavailableError } from '../../core/unavailable.ts'
import type { Database, Transaction } from '../database/database.ts'
import { MigrationError, SchemaTooNewError } from '../database/errors.ts'
import type { Migration } from './migration.ts'
import { migrations } from './migrations.ts'
import { DEFAULT_SCHEMA, quotedSchema } from './schema-name.ts'

export interface MigrateOptions {
  /** Where everything lies; made if it isn't there. Default 'runutil'. */
  schema?: string | undefined
}

/**
 * Brings the schema up to this version of runutil, all of it or nothing. Safe to call at each start, by any number
 * of processes at once: each step is taken once.
 *
 * @throws InvalidArgumentError for a schema's name that PostgreSQL doesn't take, SchemaTooNewError when a later
 *   version was here, MigrationError when a step fails
 */
export async function migrate(database: Database, options: MigrateOptions = {}): Promise<void> {
  const { schema = DEFAULT_SCHEMA } = checkOptions('migrate', options, ['schema'])
  await applyMigrations(database, schema, migrations)
}

/** `migrate` with a list of its own. */
export async function applyMigrations(
  database: Database,
  schema: string,
  list: readonly Migration[],
): Promise<void> {
  const quoted = quotedSchema(schema)
  const ask: Ask = (text, params) => database.query<[unknown]>({ text }, params)
  // Mostly there is nothing to do, and nobody should wait for a lock to learn it.
  if ((await missing(ask, schema, list)).length === 0) return
  await database.transaction(async (tx) => {
    await lock(tx, schema)
    const asked: Ask = async (text, params) =>
      (await tx.query(text, params)).rows.map((row) => Object.values(row as object) as [unknown])
    await createTable(tx, asked, quoted)
    for (const migration of await missing(asked, schema, list)) await apply(tx, quoted, migration)
  })
}

/** Runs a statement; the rows that it gives have one column. */
type Ask = (text: string, params: unknown[]) => Promise<[unknown][]>

async function missing(ask: Ask, schema: string, list: readonly Migration[]): Promise<readonly Migration[]> {
  const table = `${quotedSchema(schema)}.migrations`
  const [exists] = await ask('select to_regclass($1) is not null', [table])
  const rows = exists![0] === true ? await ask(/* sql */ `select number from ${table}`, []) : []
  const applied = new Set(rows.map(([number]) => Number(number)))
  const [found, known] = [Math.max(0, ...applied), Math.max(0, ...list.map(({ number }) => number))]
  if (found > known) throw new SchemaTooNewError(schema, found, known)
  return list.filter(({ number }) => !applied.has(number))
}

/** One schema at a time, however long that takes, whatever limits the database sets to a statement. */
async function lock(tx: Transaction, schema: string): Promise<void> {
  await tx.script('set local statement_timeout = 0; set local lock_timeout = 0')
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`runutil migrate ${schema}`])
}

/** A role may own a schema that was made for it without the right to make one. */
async function createTable(tx: Transaction, ask: Ask, quoted: string): Promise<void> {
  const [exists] = await ask('select to_regnamespace($1) is not null', [quoted])
  if (exists![0] !== true) await tx.script(/* sql */ `create schema if not exists ${quoted}`)
  await tx.script(/* sql */ `create table if not exists ${quoted}.migrations
       (number int primary key, name text not null, applied_at timestamptz not null default now())`)
}

async function apply(tx: Transaction, quoted: string, migration: Migration): Promise<void> {
  try {
    await tx.script(migration.sql(quoted))
    const record = /* sql */ `insert into ${quoted}.migrations (number, name) values ($1, $2)`
    await tx.query(record, [migration.number, migration.name])
  } catch (error) {
    if (error instanceof StoreUnavailableError) throw error
    throw new MigrationError(migration, toError(error))
  }
}
