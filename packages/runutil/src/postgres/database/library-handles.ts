import { InvalidArgumentError } from '../../core/errors.ts'
import { isPgPool } from './pg-pool.ts'
import { isPglite } from './pglite.ts'

/** Runs a statement in a transaction through the library that owns it. The result is that library's. */
export interface OpenHandle {
  query(text: string, params: unknown[]): PromiseLike<unknown>
  /** Whether the library has confirmed that a transaction is open; else the server is asked. */
  readonly isSure: boolean
}

/** Anything that may be a handle, inspected by its properties. */
type Given = Record<string, unknown>
type Method = (...args: unknown[]) => unknown

/** @returns the handle; undefined when it isn't this library's. @throws InvalidArgumentError when it can't be used */
type Recognise = (tx: Given) => OpenHandle | undefined

/** Recognises a library's handle by properties that only it has. The first match decides. */
export function handleOf(tx: unknown): OpenHandle | undefined {
  if ((typeof tx !== 'object' && typeof tx !== 'function') || tx === null) return undefined
  for (const recognise of LIBRARIES) {
    const handle = recognise(tx as Given)
    if (handle !== undefined) return handle
  }
  return undefined
}

/** @param got what was given @param pass what to give instead */
export function refusal(got: string, pass: string): InvalidArgumentError {
  return new InvalidArgumentError(`tx: expected an open transaction; got ${got}; pass ${pass}`)
}

const has = (tx: Given, ...methods: string[]): boolean =>
  methods.every((method) => typeof tx[method] === 'function')

const own: Recognise = (tx) => {
  if (has(tx, 'transaction', 'listen', 'query') && 'listens' in tx)
    throw refusal(`runutil's Database itself`, 'the tx of database.transaction((tx) => …)')
  return has(tx, 'query', 'script') ? querying(tx, true) : undefined
}

const kysely: Recognise = (tx) => {
  if (!has(tx, 'executeQuery')) return undefined
  if (tx.isTransaction !== true)
    throw refusal('a Kysely outside of a transaction', 'the trx of db.transaction().execute((trx) => …)')
  if (tx.isCommitted === true || tx.isRolledBack === true) throw ended('Kysely')
  // As Kysely's CompiledQuery.raw makes it.
  const query = (sql: string, parameters: unknown[]): PromiseLike<unknown> =>
    (tx.executeQuery as (query: object) => PromiseLike<unknown>)({
      sql,
      parameters,
      queryId: { queryId: 'runutil' },
      query: { kind: 'RawNode', sqlFragments: [sql], parameters: [] },
    })
  return { query, isSure: true }
}

/** Drizzle's `query` is an object; what it wraps is the driver's. */
const drizzle: Recognise = (tx) => {
  const client = (tx.session as { client?: unknown } | undefined)?.client
  if (!has(tx, 'execute') || client === undefined) return undefined
  try {
    return handleOf(client)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw refusal('a Drizzle database outside of a transaction', 'the tx of db.transaction((tx) => …)')
  }
}

const postgresJs: Recognise = (tx) => {
  if (!has(tx, 'unsafe', 'array', 'json')) return undefined
  if (!has(tx, 'savepoint'))
    throw refusal(`the sql of postgres.js itself`, 'the sql of sql.begin((sql) => …)')
  return { query: (text, params) => call(tx, 'unsafe', text, params), isSure: true }
}

const knex: Recognise = (tx) => {
  const client = tx.client as { acquireConnection?: () => Promise<unknown> } | undefined
  if (!has(tx, 'raw') || typeof client?.acquireConnection !== 'function') return undefined
  if (tx.isTransaction !== true)
    throw refusal('a knex outside of a transaction', 'the trx of knex.transaction((trx) => …)')
  if (call(tx, 'isCompleted') as unknown as boolean) throw ended('knex')
  // Its own raw() uses ? for parameters. A transaction acquires its one connection, which stays with it.
  const query = async (text: string, params: unknown[]): Promise<unknown> =>
    call((await client.acquireConnection!()) as Given, 'query', text, params)
  return { query, isSure: true }
}

const sequelize: Recognise = (tx) => {
  if (has(tx, 'query', 'define', 'transaction'))
    throw refusal('Sequelize itself', 'the t of sequelize.transaction((t) => …)')
  const owner = tx.sequelize as Given | undefined
  if (!has(tx, 'commit', 'rollback') || owner === undefined) return undefined
  if (tx.finished !== undefined) throw ended('Sequelize')
  const query = (text: string, bind: unknown[]): PromiseLike<unknown> =>
    call(owner, 'query', text, { bind, transaction: tx, type: 'SELECT' })
  return { query, isSure: true }
}

const typeorm: Recognise = (tx) => {
  const manager = 'the manager of dataSource.transaction((manager) => …)'
  if (has(tx, 'startTransaction', 'query') && 'isTransactionActive' in tx) {
    if (tx.isReleased === true) throw ended('TypeORM')
    if (tx.isTransactionActive === true) return querying(tx, true)
    throw refusal(
      `TypeORM's QueryRunner outside of a transaction`,
      `it after startTransaction(), or ${manager}`,
    )
  }
  if (has(tx, 'createQueryRunner', 'query')) throw refusal(`TypeORM's DataSource`, manager)
  if (!has(tx, 'query', 'getRepository') && !(has(tx, 'query') && 'manager' in tx)) return undefined
  const { queryRunner } = (tx.manager ?? tx) as { queryRunner?: Given }
  if (queryRunner?.isReleased === true) throw ended('TypeORM')
  if (queryRunner?.isTransactionActive === true) return querying(queryRunner, true)
  throw refusal(`TypeORM's EntityManager, or a Repository of it, outside of a transaction`, manager)
}

const pgPromise: Recognise = (tx) => {
  if (!has(tx, 'query', 'oneOrNone')) return undefined
  const { inTransaction, connected } = (tx.ctx ?? {}) as Record<string, unknown>
  if (inTransaction !== true)
    throw refusal(`pg-promise's db, or a task outside of a transaction`, 'the t of db.tx((t) => …)')
  if (connected === false) throw ended('pg-promise')
  return querying(tx, true)
}

const prisma: Recognise = (tx) => {
  if (!has(tx, '$queryRawUnsafe')) return undefined
  const pass = 'a pg client, and make the writes that belong to the job through that, Kysely or Drizzle'
  throw refusal('a client of Prisma, whose transactions cannot be shared', pass)
}

const mikroOrm: Recognise = (tx) => {
  if (!has(tx, 'getTransactionContext')) return undefined
  throw refusal(`MikroORM's EntityManager`, 'em.getTransactionContext() in em.transactional((em) => …)')
}

const pglite: Recognise = (tx) => {
  if (isPglite(tx)) return querying(tx, false)
  if (!has(tx, 'query', 'exec') || !('closed' in tx)) return undefined
  if (tx.closed === true) throw ended('PGlite')
  return querying(tx, true)
}

const pg: Recognise = (tx) => {
  if (isPgPool(tx)) {
    const pass = 'a client of it: const client = await pool.connect(), then client.query("begin")'
    throw refusal('a pg.Pool, which runs each statement on any of its connections', pass)
  }
  if (!has(tx, 'query', 'escapeIdentifier')) return undefined
  if (tx._ending === true || tx._ended === true || tx._queryable === false)
    throw refusal('a client of pg that has ended', 'a connected one, after its begin')
  // While a statement is in flight, such as a begin that wasn't awaited, the status is the previous one.
  const status = tx.readyForQuery === true && has(tx, 'getTransactionStatus') ? statusOf(tx) : undefined
  if (status === 'I')
    throw refusal('a client of pg outside of a transaction', 'it after client.query("begin")')
  if (status === 'E')
    throw refusal('a client of pg whose transaction has failed', 'one after rollback and begin')
  return querying(tx, status === 'T')
}

const statusOf = (client: Given): unknown => (client.getTransactionStatus as () => unknown)()

const LIBRARIES: readonly Recognise[] = [
  own,
  kysely,
  drizzle,
  postgresJs,
  knex,
  sequelize,
  typeorm,
  pgPromise,
  prisma,
  mikroOrm,
  pglite,
  pg,
]

function ended(library: string): InvalidArgumentError {
  return refusal(
    `a transaction of ${library} that has ended`,
    'it while it is open, and await each call in it',
  )
}

function querying(tx: Given, isSure: boolean): OpenHandle {
  return { query: (text, params) => call(tx, 'query', text, params), isSure }
}

function call(tx: Given, method: string, ...args: unknown[]): PromiseLike<unknown> {
  return (tx[method] as Method).apply(tx, args) as PromiseLike<unknown>
}
