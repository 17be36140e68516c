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
 * A `pg.Pool` or PGlite that is handed in is used as it is, and never closed. Close the Database before the pool: who
 * listens holds a connection, and the end of a pool waits for those.
 */
export type DatabaseTarget = string | PgPool | Pglite

export interface OpenDatabaseOptions {
  /**
   * False for a pooler in transaction mode, such as PgBouncer: no LISTEN and no prepared statements, which would
   * need a connection of their own. Whoever would listen polls. Default true. Nothing to an embedded database.
   */
  listen?: boolean | undefined
  /**
   * The most connections to a server that statements and transactions share, 1 or more. Default 10. A pool that is handed
   * in has its own.
   *
   * Up to 3 more are made beside them, so that who holds all of these holds up neither: one each for claims, for renewals
   * of leases, and to LISTEN with. A process has at most `max` + 3 connections. With 1, there is that one alone, and none is
   * left to listen with.
   */
  max?: number | undefined
  /**
   * How long a statement waits for a free connection before it rejects with a StoreUnavailableError. Default 10 s, or the
   * `connectionTimeoutMillis` of a pool that is handed in.
   */
  acquireTimeout?: Duration | undefined
}

const DEFAULT_FOLDER = '.runutil'

/**
 * Opens a PostgreSQL and runs a first statement on it.
 *
 * An embedded database in a folder has on the disk what it acknowledges: each commit waits for a flush.
 * `file:DIR?durable=off` leaves that to the system: a process that is killed loses nothing then either, but a loss of
 * power may take the last commits, or all of the folder.
 *
 * @param target `postgres://user:password@host:port/database` for a server, `memory:` or `file:DIR` for an embedded
 *   one, or the caller's own `pg.Pool` or PGlite. Default: DATABASE_URL of the environment, else `file:.runutil`; which
 *   it was is logged. With NODE_ENV=production there is no such default: a target has to be named, here or there.
 * @throws InvalidArgumentError, MissingPeerError, BundledPeerError, StoreUnavailableError when no server answers,
 *   DatabaseRefusedError when it doesn't let us in, DatabaseInUseError when another process has the folder,
 *   DatabaseFolderError when there is something else in it, or the database of another version of PostgreSQL
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

/** What the environment names, or nobody. Whoever misspelt its name should see it in the log. */
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

/** One that is there only if it answers. */
async function answering(database: Database): Promise<Database> {
  try {
    await database.query({ text: 'select 1' }, [], { limitMs: CONNECT_MS })
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}
