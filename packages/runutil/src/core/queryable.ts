/** What runs SQL inside a transaction of the caller's: a `pg` client, a PGlite instance or transaction. */
export interface Queryable {
  query(text: string, params?: unknown[]): Promise<{ rows: unknown[] }>
}

/** A Kysely transaction, as far as it is needed. */
export interface KyselyLike {
  executeQuery(query: never): Promise<{ rows: unknown[] }>
}

/** A Drizzle transaction on `pg` or PGlite, as far as it is needed. */
export interface DrizzleLike {
  execute(query: never): PromiseLike<unknown>
}

/** The caller's own transaction, as `pg`, PGlite, Kysely or Drizzle hand it out. */
export type TransactionHandle = Queryable | KyselyLike | DrizzleLike
