import { brandError } from '../../core/brand.ts'
import { grantStatements } from './grant-statements.ts'

/** The server refuses the connection: a wrong password, a missing database, a TLS mismatch. */
export class DatabaseRefusedError extends Error {
  readonly code = 'ERR_DATABASE_REFUSED'
  static {
    brandError(this, 'DatabaseRefusedError')
  }
}

/** Used after it was closed. */
export class DatabaseClosedError extends Error {
  readonly code = 'ERR_DATABASE_CLOSED'
  static {
    brandError(this, 'DatabaseClosedError')
  }
  constructor(cause?: unknown) {
    super('the database is closed; stop what uses it before closing it', { cause })
  }
}

/** The body of a transaction resolved although one of its statements had failed: it was rolled back. */
export class TransactionRolledBackError extends Error {
  readonly code = 'ERR_TRANSACTION_ROLLED_BACK'
  static {
    brandError(this, 'TransactionRolledBackError')
  }
  constructor(cause?: unknown) {
    super(
      'the transaction was rolled back, since a statement in it had failed; ' +
        `let that statement's error reject the body`,
      { cause },
    )
  }
}

/** A newer version of runutil has migrated the schema beyond what this version can work with. */
export class SchemaTooNewError extends Error {
  readonly code = 'ERR_SCHEMA_TOO_NEW'
  readonly schema: string
  /** The number of the newest migration in the database. */
  readonly found: number
  /** The number of the newest migration that this version of runutil has. */
  readonly known: number
  static {
    brandError(this, 'SchemaTooNewError')
  }
  constructor(schema: string, found: number, known: number) {
    super(
      `schema '${schema}': expected migration ${known} or older, or one that still works with it; got ${found}, ` +
        'which a newer runutil has made; ' +
        'upgrade runutil in this program too',
    )
    this.schema = schema
    this.found = found
    this.known = known
  }
}

/** A migration failed; it and those before it in the same call were rolled back. */
export class MigrationError extends Error {
  readonly code = 'ERR_MIGRATION'
  /** The number of the migration that failed. */
  readonly number: number
  static {
    brandError(this, 'MigrationError')
  }
  constructor(migration: { readonly number: number; readonly name: string }, cause: Error) {
    super(`migration ${migration.number} (${migration.name}) failed: ${cause.message}`, { cause })
    this.number = migration.number
  }
}

/** Tables or functions of a store are missing from its schema. */
export class SchemaMissingError extends Error {
  readonly code = 'ERR_SCHEMA_MISSING'
  readonly schema: string
  static {
    brandError(this, 'SchemaMissingError')
  }
  constructor(schema: string, cause: unknown) {
    super(
      `expected runutil's tables in the schema '${schema}'; some are missing; call migrate(database) at the start, ` +
        `with { schema } where it isn't '${schema}'`,
      { cause },
    )
    this.schema = schema
  }
}

/** A pre-release of runutil has made the schema, with migrations that have changed since. */
export class SchemaChangedError extends Error {
  readonly code = 'ERR_SCHEMA_CHANGED'
  readonly schema: string
  /** The first migration that has changed. */
  readonly number: number
  static {
    brandError(this, 'SchemaChangedError')
  }
  constructor(schema: string, migration: { readonly number: number; readonly name: string }) {
    const quoted = `"${schema.replaceAll('"', '""')}"`
    super(
      `schema '${schema}' was made by a pre-release of runutil, whose migration ${migration.number} ` +
        `(${migration.name}) isn't this version's; drop it with all that is in it (drop schema ${quoted} cascade) or, of ` +
        'an embedded database, delete the folder; then call migrate again',
    )
    this.schema = schema
    this.number = migration.number
  }
}

/** The role of the connection lacks privileges that runutil needs on its schema. */
export class PermissionDeniedError extends Error {
  readonly code = 'ERR_PERMISSION_DENIED'
  readonly schema: string
  static {
    brandError(this, 'PermissionDeniedError')
  }
  constructor(schema: string, cause: Error) {
    const grants = grantStatements(`"${schema.replaceAll('"', '""')}"`, 'ROLE').join('; ')
    super(
      `the role of this connection lacks a privilege on runutil's schema '${schema}': ${cause.message}; as the owner of the ` +
        `schema, call migrate(database, { grantTo: 'ROLE' }), or run: ${grants}. ` +
        'A role that is to make the schema itself needs: grant create on database DATABASE to ROLE',
      { cause },
    )
    this.schema = schema
  }
}

/** A setting of the database or the role changes the meaning of SQL that runutil relies on. */
export class DatabaseSettingError extends Error {
  readonly code = 'ERR_DATABASE_SETTING'
  /** The name of the setting, as in `show`. */
  readonly setting: string
  static {
    brandError(this, 'DatabaseSettingError')
  }
  constructor(setting: string, { value, wanted }: { value: string; wanted: string }, cause: unknown) {
    super(
      `the database's setting ${setting} is ${value}, and runutil needs ${wanted}: (alter role ROLE set ${setting} = ${wanted}, ` +
        `or alter database DATABASE set ${setting} = ${wanted}), then connect again`,
      { cause },
    )
    this.setting = setting
  }
}
