import { resolve } from 'node:path'
import { rootLogger } from '../../core/context.ts'
import { type Duration, toIntervalMs } from '../../core/duration.ts'
import { InvalidArgumentError, unexpected } from '../../core/errors.ts'
import { log } from '../../core/log.ts'
import { checkOptions } from '../../core/options.ts'
import { wholeNumber } from '../../core/whole-number.ts'
import { EXPECTED, type ParsedTarget, parseTarget } from './database-target.ts'
import type { Database } from './database.ts'
import { openFolder, openMemory } from './open-embedded.ts'
import { type UrlOptions, openPool, openServer } from './open-server.ts'
import { CONNECT_MS } from './pg-connections.ts'
import { type PgPool, isPgPool } from './pg-pool.ts'
import { serverOf } from './pg-server.ts'
import { PgliteDatabase } from './pglite-database.ts'
import { type Pglite, isPglite } from './pglite.ts'

/**
 * A `pg.Pool` or PGlite of the caller's is used as it is and never closed. Close the Database before the pool: LISTEN holds
 * a connection, and the pool's `end` waits for it.
 */
export type DatabaseTarget = string | PgPool | Pglite

/** Options of `openDatabase`. */
export interface OpenDatabaseOptions {
  /**
   * False for a pooler in transaction mode, such as PgBouncer: no LISTEN and no prepared statements, which need a session.
   * Workers poll instead of listening. Default true. Ignored for an embedded database.
   */
  listen?: boolean | undefined
  /**
   * The maximum number of connections that statements and transactions share, 1 or more. Default 10. A pool of the
   * caller's has its own.
   *
   * Up to 3 more are opened besides: one each for claims, for renewals of leases and for LISTEN, so that a handler that
   * holds all pooled connections blocks none of these. A process has at most `max` + 3 connections. With 1 there is only
   * that one, and no LISTEN.
   */
  max?: number | undefined
  /**
   * How long a statement waits for a free connection before it rejects with a StoreUnavailableError. Default 10 s, or the
   * `connectionTimeoutMillis` of a pool of the caller's.
   */
  acquireTimeout?: Duration | undefined
}

const DEFAULT_FOLDER = '.runutil'

/**
 * Opens a PostgreSQL and runs a first statement on it.
 *
 * An embedded database in a folder flushes each commit to the disk before it acknowledges it. `file:DIR?durable=off` leaves
 * that to the operating system: a killed process still loses nothing, but a power loss may take the last commits or corrupt
 * the folder.
 *
 * @param target `postgres://user:password@host:port/database` for a server, `memory:` or `file:DIR` for an embedded
 *   one, or the caller's own `pg.Pool` or PGlite. Default: the environment variable DATABASE_URL, else `file:.runutil`;
 *   the choice is logged. With NODE_ENV=production, a target or DATABASE_URL is required.
 * @throws InvalidArgumentError, MissingPeerError, BundledPeerError, StoreUnavailableError when no server answers,
 *   DatabaseRefusedError when it refuses the connection, DatabaseInUseError when another process has the folder open,
 *   DatabaseFolderError when it contains something else, or the database of another PostgreSQL version
 */
export async function openDatabase(
  target?: DatabaseTarget,
  options: OpenDatabaseOptions = {},
): Promise<Database> {
  const known = ['listen', 'max', 'acquireTimeout'] as const
  const { listen = true, max = 10, acquireTimeout } = checkOptions('openDatabase', options, [...known])
  const acquireMs =
    acquireTimeout === undefined ? undefined : toIntervalMs(acquireTimeout, 'openDatabase: acquireTimeout')
  if (typeof listen !== 'boolean') throw unexpected('openDatabase: listen', 'a boolean', listen)
  wholeNumber(max, 'openDatabase: max', { min: 1 })
  if (target === undefined) return openDefault({ listen, max, acquireMs })
  if (typeof target === 'string')
    return openParsed(parseTarget(target, 'openDatabase'), { listen, max, acquireMs })
  if (isPgPool(target)) return answering(openPool(target, false, { listen, acquireMs }))
  if (isPglite(target)) return answering(new PgliteDatabase({ pglite: target }))
  throw unexpected('openDatabase', EXPECTED, target)
}

/** What DATABASE_URL names, or the default. Logged, so that a misspelt variable is noticed. */
async function openDefault(options: UrlOptions): Promise<Database> {
  const { DATABASE_URL: url, NODE_ENV: environment } = process.env
  if (url === '')
    throw new InvalidArgumentError(`openDatabase: DATABASE_URL is empty; name a database in it, or unset it`)
  if (url === undefined && environment === 'production')
    throw new InvalidArgumentError(
      'openDatabase: expected a target or DATABASE_URL, since NODE_ENV is production; got neither; ' +
        `name a server, or an embedded database as openDatabase('file:${DEFAULT_FOLDER}')`,
    )
  const target =
    url === undefined
      ? ({ kind: 'folder', folder: DEFAULT_FOLDER, durable: true } as const)
      : parseTarget(url, 'openDatabase: DATABASE_URL')
  const database = await openParsed(target, options)
  const why = url === undefined ? 'since DATABASE_URL is not set' : 'as DATABASE_URL says'
  log(rootLogger(), 'info', {}, `opened ${inWords(target)}, ${why}`)
  return database
}

function openParsed(target: ParsedTarget, options: UrlOptions): Promise<Database> {
  switch (target.kind) {
    case 'server':
      return openServer(target.url, options).then(answering)
    case 'memory':
      return openMemory().then(answering)
    case 'folder':
      return openFolder(resolve(target.folder), target).then(answering)
    default:
      return target satisfies never
  }
}

function inWords(target: ParsedTarget): string {
  switch (target.kind) {
    case 'server':
      return serverOf({ connectionString: target.url })
    case 'memory':
      return 'an embedded database in memory'
    case 'folder':
      return `the embedded database in ${resolve(target.folder)}`
    default:
      return target satisfies never
  }
}

/** Opened only if it answers. */
async function answering(database: Database): Promise<Database> {
  try {
    await database.query({ text: 'select 1' }, [], { limitMs: CONNECT_MS })
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}
