/** Runs SQL inside the caller's transaction: a `pg` client, a transaction of PGlite or of runutil's Database. */
export interface Queryable {
  /** Runs one statement, with `params` for `$1`, `$2` …; a row is an object, by the names of the columns. */
  query(text: string, params?: unknown[]): Promise<{ rows: unknown[] }>
}

/** As Queryable, as far as it is needed: the rows, or `{ rows }`. TypeORM's EntityManager and QueryRunner, pg-promise's t. */
export interface RowsLike {
  /** Runs one statement, with `params` for `$1`, `$2` … */
  query(text: string, params?: never): PromiseLike<unknown>
}

/** A Kysely transaction, as far as it is needed. */
export interface KyselyLike {
  /** Runs a compiled query. */
  executeQuery(query: never): Promise<{ rows: unknown[] }>
}

/** A Drizzle transaction on `pg`, postgres.js or PGlite, as far as it is needed. */
export interface DrizzleLike {
  /** Never called: statements go to the client that the transaction wraps. */
  execute(query: never): PromiseLike<unknown>
}

/** The `sql` of postgres.js in `sql.begin`, as far as it is needed. */
export interface PostgresJsLike {
  /** Runs one statement, with `params` for `$1`, `$2` … */
  unsafe(text: string, params?: never): PromiseLike<unknown>
}

/** The `trx` of knex, as far as it is needed. */
export interface KnexLike {
  /** Never called: statements go to the connection that the transaction holds. */
  raw(sql: never): unknown
}

/** The transaction of Sequelize, as far as it is needed. */
export interface SequelizeLike {
  /** Never called: the transaction stays yours to commit. */
  commit(): Promise<void>
  /** Never called. */
  rollback(): Promise<void>
}

/** The caller's own transaction, as its library provides it. */
export type TransactionHandle =
  Queryable | RowsLike | KyselyLike | DrizzleLike | PostgresJsLike | KnexLike | SequelizeLike
