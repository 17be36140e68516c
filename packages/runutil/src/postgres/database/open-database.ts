import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Duration, toIntervalMs } from '../../core/duration.ts'
import { InvalidArgumentError, describe, unexpected } from '../../core/errors.ts'
import { checkOptions } from '../../core/options.ts'
import type { Database } from './database.ts'
import { lockFolder } from './folder-lock.ts'
import { importPeer } from './import-peer.ts'
import { PgDatabase } from './pg-database.ts'
import { CONNECT_MS } from './pg-connections.ts'
import { type PgPool, isPgPool } from './pg-pool.ts'
import { withoutPassword } from './pg-server.ts'
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

const EXPECTED = `'postgres://…', 'memory:', 'file:DIR', a pg.Pool or a PGlite`
const ACQUIRE_MS = 10_000
const KEEP_ALIVE_MS = 10_000

/**
 * Opens a PostgreSQL and runs a first statement on it.
 *
 * @param target `postgres://user:password@host:port/database` for a server, `memory:` or `file:DIR` for an embedded
 *   one, or the caller's own `pg.Pool` or PGlite. Default: DATABASE_URL of the environment, else `file:.runutil`.
 * @throws InvalidArgumentError, MissingPeerError, StoreUnavailableError when no server answers, DatabaseRefusedError
 *   when it doesn't let us in, DatabaseInUseError when another process has the folder
 */
export async function openDatabase(
  target: DatabaseTarget = process.env.DATABASE_URL || 'file:.runutil',
  options: OpenDatabaseOptions = {},
): Promise<Database> {
  const known = ['listen', 'max', 'acquireTimeout'] as const
  const { listen = true, max = 10, acquireTimeout } = checkOptions('openDatabase', options, [...known])
  const acquireMs =
    acquireTimeout === undefined ? undefined : toIntervalMs(acquireTimeout, 'openDatabase: acquireTimeout')
  if (typeof listen !== 'boolean') throw unexpected('openDatabase: listen', 'a boolean', listen)
  if (!Number.isInteger(max) || max < 1)
    throw unexpected('openDatabase: max', 'a whole number from 1 on', max)
  if (typeof target === 'string') return openUrl(target, { listen, max, acquireMs })
  if (isPgPool(target)) return openPool(target, false, { listen, acquireMs })
  if (isPglite(target)) return answering(new PgliteDatabase({ pglite: target }))
  throw unexpected('openDatabase', EXPECTED, target)
}

interface ServerOptions {
  readonly listen: boolean
  readonly acquireMs: number | undefined
}

function openUrl(url: string, options: ServerOptions & { readonly max: number }): Promise<Database> {
  if (/^postgres(ql)?:\/\//i.test(url)) return openServer(url, options)
  if (url === 'memory:') return openPglite(undefined)
  // As with PGlite itself, what follows `file://` is a path, from here unless it begins with a slash.
  const folder = /^file:(?:\/\/)?(.+)$/s.exec(url)?.[1]
  if (folder !== undefined) return openFolder(resolve(folder))
  throw new InvalidArgumentError(`openDatabase: expected ${EXPECTED}; got ${describe(withoutPassword(url))}`)
}

async function openServer(
  url: string,
  { max, ...options }: ServerOptions & { readonly max: number },
): Promise<Database> {
  const { default: pg } = await importPeer('pg', () => import('pg'))
  checkServerUrl(url, (given) => new pg.Client(given))
  const pool = new pg.Pool({
    connectionString: url,
    max,
    fallback_application_name: 'runutil',
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    // For the client alone: for the pool, it would bound the wait for a free connection too.
    Client: class extends pg.Client {
      constructor(config?: object) {
        super({ ...config, connectionTimeoutMillis: CONNECT_MS })
      }
    },
  })
  return openPool(pool, true, options)
}

function openPool(pool: PgPool, owned: boolean, { listen, acquireMs }: ServerOptions): Promise<Database> {
  const waitsMs = acquireMs ?? (pool.options.connectionTimeoutMillis || ACQUIRE_MS)
  return answering(new PgDatabase({ pool, owned, session: listen, acquireMs: waitsMs }))
}

/** Tried here, since what Node says of a broken URL may repeat its password. */
function checkServerUrl(url: string, parse: (url: string) => unknown): void {
  try {
    parse(url)
  } catch (error) {
    throw new InvalidArgumentError(
      `openDatabase: expected a URL as postgres://user:password@host:5432/database; got ` +
        `${describe(withoutPassword(url))} (${(error as Error).message}); ` +
        'write special letters of user and password as %40 and the like',
    )
  }
}

async function openFolder(folder: string): Promise<Database> {
  await mkdir(folder, { recursive: true })
  const unlock = await lockFolder(folder)
  try {
    return await openPglite(folder, unlock)
  } catch (error) {
    await unlock()
    throw error
  }
}

async function openPglite(folder: string | undefined, unlock?: () => Promise<void>): Promise<Database> {
  const { PGlite } = await importPeer('@electric-sql/pglite', () => import('@electric-sql/pglite'))
  const pglite = await PGlite.create(folder === undefined ? 'memory://' : folder)
  const closes = async (): Promise<void> => {
    await pglite.close()
    await unlock?.()
  }
  return answering(new PgliteDatabase({ pglite, closes }))
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
