import { describe, InvalidArgumentError } from '../core/errors.ts'
import type { Queryable, TransactionHandle } from '../core/queryable.ts'
import { has } from '../core/worker.ts'

/**
 * What runs SQL in the caller's transaction, from what its library hands out: `pg`, PGlite, Kysely or Drizzle.
 *
 * @throws InvalidArgumentError for anything else
 */
export function queryableOf(tx: TransactionHandle): Queryable {
  if (has(tx, 'executeQuery')) return kysely(tx as KyselyTransaction)
  // Drizzle's `query` is an object; what it wraps is a `pg` client or PGlite.
  const client = (tx as DrizzleTransaction)?.session?.client
  if (has(tx, 'execute') && has(client, 'query')) return client!
  if (has(tx, 'query')) return tx as Queryable
  throw new InvalidArgumentError(
    `tx: expected a transaction of pg, PGlite, Kysely or Drizzle, or an object with query(text, params); ` +
      `got ${describe(tx)}`,
  )
}

interface DrizzleTransaction {
  readonly session?: { readonly client?: Queryable }
}

interface KyselyTransaction {
  executeQuery(query: object): Promise<{ rows: unknown[] }>
}

/** As Kysely's CompiledQuery.raw makes it. */
function kysely(tx: KyselyTransaction): Queryable {
  return {
    query: (sql, parameters = []) =>
      tx.executeQuery({
        ...{ sql, parameters, queryId: { queryId: 'runutil' } },
        query: { kind: 'RawNode', sqlFragments: [sql], parameters: [] },
      }),
  }
}
