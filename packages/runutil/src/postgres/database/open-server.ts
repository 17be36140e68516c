import { InvalidArgumentError } from '../../core/errors.ts'
import { importPeer } from '../../core/import-peer.ts'
import { CONNECT_MS } from './pg-connections.ts'
import { PgDatabase } from './pg-database.ts'
import type { PgPool } from './pg-pool.ts'

const ACQUIRE_MS = 10_000
const KEEP_ALIVE_MS = 10_000

export interface PoolOptions {
  readonly listen: boolean
  readonly acquireMs: number | undefined
}

export interface UrlOptions extends PoolOptions {
  readonly max: number
}

/** @throws InvalidArgumentError, MissingPeerError */
export async function openServer(url: string, { max, ...options }: UrlOptions): Promise<PgDatabase> {
  const { default: pg } = await importPeer('pg', () => import('pg'))
  checkServerUrl(url, (given) => new pg.Client(given))
  const pool = new pg.Pool({
    connectionString: url,
    max,
    fallback_application_name: 'runutil',
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    // On the client only: on the pool, it would also limit the wait for a free connection.
    Client: class extends pg.Client {
      constructor(config?: object) {
        super({ ...config, connectionTimeoutMillis: CONNECT_MS })
      }
    },
  })
  return openPool(pool, true, options)
}

/** @param owned whether to close it with the database */
export function openPool(pool: PgPool, owned: boolean, { listen, acquireMs }: PoolOptions): PgDatabase {
  const waitsMs = acquireMs ?? (pool.options.connectionTimeoutMillis || ACQUIRE_MS)
  return new PgDatabase({ pool, owned, session: listen, acquireMs: waitsMs })
}

/** Checked here, since Node's error about a malformed URL may quote its password; any part of it may contain that. */
function checkServerUrl(url: string, parse: (url: string) => unknown): void {
  try {
    parse(url)
  } catch {
    throw new InvalidArgumentError(
      'openDatabase: expected a URL as postgres://user:password@host:5432/database; got a malformed one, ' +
        `which begins with ${url.slice(0, url.indexOf('//') + 2)}; ` +
        'percent-encode special characters in the user name and password',
    )
  }
}
