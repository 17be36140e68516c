import type { Check } from './check.ts'
import type { DatabaseServer, OpenTransaction, SchemaState, TableRows } from './database-diagnosis.ts'
import { type Verdict, counted, fail, lasting, ok, some, warn } from './finding.ts'

const LONG_TRANSACTION_MS = 300_000
const MANY_DEAD_ROWS = 50_000
/** PostgreSQL 12, the oldest that the statements work on. */
const OLDEST_VERSION = 120_000

export const DATABASE_CHECKS: readonly Check[] = [
  { name: 'schema', examine: async ({ database }) => database && judgeSchema(await database.schema()) },
  {
    name: 'database',
    examine: async ({ database, process }) => {
      return database && judgeDatabase(database.kind, await database.server(), process.isProduction)
    },
  },
  {
    name: 'transactions',
    examine: async ({ database }) => {
      return database && judgeTransaction(await database.oldestTransaction())
    },
  },
  {
    name: 'dead-rows',
    examine: async ({ database }) => database && judgeDeadRows(await database.deadRows()),
  },
]

export function judgeSchema({ schema, missing, changed, isTooNew }: SchemaState): Verdict {
  if (isTooNew)
    return fail(`schema ${schema} was migrated by a newer runutil`, 'this process needs a newer runutil too')
  if (changed !== undefined) {
    return fail(
      `migration ${changed} was applied to schema ${schema} in another form`,
      'it is of a pre-release: drop the schema',
    )
  }
  if (missing.length === 0) return ok(`schema ${schema} is up to date`)
  return fail(
    `schema ${schema} lacks ${counted(missing.length, 'migration')}: ${some(missing)}`,
    'call migrate(database) when the program starts',
  )
}

export function judgeDatabase(
  kind: 'postgres' | 'pglite',
  server: DatabaseServer,
  isProduction: boolean,
): Verdict {
  const found = `PostgreSQL ${server.versionName}${kind === 'pglite' ? ', embedded in this process' : ''}`
  if (server.version < OLDEST_VERSION) return fail(found, 'use PostgreSQL 12 or newer')
  if (kind !== 'pglite' || !isProduction) return ok(found)
  return warn(
    `${found}, and NODE_ENV is production`,
    'no other process can use it: give openDatabase the address of a server, unless one process is all you want',
  )
}

export function judgeTransaction(oldest: OpenTransaction | undefined): Verdict {
  if (oldest === undefined || oldest.ageMs < LONG_TRANSACTION_MS) return ok('no transaction is open for long')
  const { pid, application, state, ageMs } = oldest
  return warn(
    `a transaction has been open for ${lasting(ageMs)}: process ${pid} of the server${application && ` (${application})`}, ${state}`,
    `VACUUM can't remove rows that were deleted since then; end it, with select pg_terminate_backend(${pid}) if need be`,
  )
}

export function judgeDeadRows(tables: readonly TableRows[]): Verdict {
  const bloated = tables.filter(({ dead, live }) => dead > MANY_DEAD_ROWS && dead > 2 * live)
  if (bloated.length === 0) return ok('few dead rows')
  const names = bloated.map(({ table, dead, live }) => `${table} has ${dead} beside ${live} live ones`)
  return warn(
    `many dead rows: ${some(names)}`,
    'look for a long transaction, and whether autovacuum is on and keeps up',
  )
}
