import { describe, InvalidArgumentError } from '../../core/errors.ts'
import { has } from '../../core/has.ts'
import type { Queryable, TransactionHandle } from '../../core/queryable.ts'
import { isPgPool } from './pg-pool.ts'

/**
 * What runs SQL in the caller's transaction, from what its library hands out: `pg`, PGlite, Kysely or Drizzle.
 *
 * @throws InvalidArgumentError for anything else
 */
export function queryableOf(tx: TransactionHandle): Queryable {
  if (has(tx, 'executeQuery')) return kysely(tx as KyselyTransaction)
  // Drizzle's `query` is an object; what it wraps is a `pg` client or PGlite.
  const client = (tx as DrizzleTransaction)?.session?.client
  if (has(tx, 'execute') && has(client, 'query')) return oneConnection(client!)
  if (has(tx, 'query')) return oneConnection(tx as Queryable)
  throw refusal(describe(tx))
}

interface DrizzleTransaction {
  readonly session?: { readonly client?: Queryable }
}

interface KyselyTransaction {
  readonly isTransaction?: boolean
  executeQuery(query: object): Promise<{ rows: unknown[] }>
}

/** What is given outside of a transaction would be stored whatever becomes of that. */
function oneConnection(client: Queryable): Queryable {
  if (isPgPool(client)) throw refusal('a pg.Pool, which runs each statement on any of its connections')
  return client
}

/** As Kysely's CompiledQuery.raw makes it. */
function kysely(tx: KyselyTransaction): Queryable {
  if (tx.isTransaction === false) throw refusal('a Kysely that is in no transaction')
  return {
    query: (sql, parameters = []) =>
      tx.executeQuery({
        ...{ sql, parameters, queryId: { queryId: 'runutil' } },
        query: { kind: 'RawNode', sqlFragments: [sql], parameters: [] },
      }),
  }
}

function refusal(got: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `tx: expected a transaction of pg, PGlite, Kysely or Drizzle, or an object with query(text, params); got ${got}`,
  )
}
