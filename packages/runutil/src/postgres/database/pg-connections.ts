import { systemClock } from '../../core/clock-system.ts'
import type { Clock } from '../../core/clock.ts'
import { macrotask } from '../../core/event-loop.ts'
import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import { DatabaseClosedError } from './errors.ts'
import { OwnClients } from './own-clients.ts'
import { PgConnection, watchClient } from './pg-connection.ts'
import { connectError } from './pg-errors.ts'
import type { PgClient, PgPool } from './pg-pool.ts'
import { ReservedConnection } from './reserved-connection.ts'
import { StatementLimits } from './statement-limits.ts'

/** Statements with a connection reserved for them: claims; renewals and what is as urgent. */
export type ReservedFor = 'claims' | 'renewals'

export interface PgConnectionsProps {
  readonly pool: PgPool
  /** What errors call the server. */
  readonly server: string
  /** How long to wait for a free connection. */
  readonly acquireMs: number
}

/** How long a new connection may take. */
export const CONNECT_MS = 10_000

/**
 * The source of connections: the pool, and up to three besides it, one each for claims, renewals and LISTEN. Pooled
 * connections that were idle for long are checked before use.
 */
export class PgConnections {
  readonly limits = new StatementLimits(systemClock)
  readonly #props: PgConnectionsProps
  readonly #clock: Clock = systemClock
  readonly #own: OwnClients
  readonly #claims: ReservedConnection
  readonly #renewals: ReservedConnection
  /** Callers that wait for a pooled connection; a pool that ends never answers them. */
  readonly #waiting = new Set<(error: Error) => void>()

  constructor(props: PgConnectionsProps) {
    const { pool } = props
    this.#props = props
    this.#own = new OwnClients({ pool, clock: this.#clock, connectMs: CONNECT_MS })
    const reserved = { own: this.#own, limits: this.limits, clock: this.#clock }
    this.#claims = new ReservedConnection(reserved)
    this.#renewals = new ReservedConnection(reserved)
    // The pool replaces an idle connection that dies; without a listener its error would end the process.
    if (!pool.listeners('error').includes(ignore)) pool.on('error', ignore).on('connect', watch)
  }

  /** A pooled connection. @throws StoreUnavailableError, DatabaseRefusedError, DatabaseClosedError */
  async take(): Promise<PgConnection> {
    const { limits } = this
    for (;;) {
      const client = await this.#pooled()
      const release = (error?: Error): void => client.release(error)
      const connection = new PgConnection({ client, limits, clock: this.#clock, release })
      if (await connection.isUsable()) return connection
      const lost = new Error('the connection was lost while it was idle')
      connection.destroy(lost)
      connection.release(lost)
    }
  }

  /** The connection reserved for such statements, else a pooled one. @throws as take */
  async takeReserved(sort: ReservedFor): Promise<PgConnection> {
    if (!this.#own.isSupported) return this.take()
    // A claim may take long, so claims never use the connection of renewals.
    const allowed = sort === 'claims' ? [this.#claims] : [this.#renewals, this.#claims]
    for (;;) {
      const free = allowed.find((one) => one.isFree)
      if (free !== undefined) {
        const connection = await free.take().catch(() => undefined)
        if (connection !== undefined) return connection
        // Where the server has too many connections, the pool may have idle ones; where it is down, the pool reports it.
        continue
      }
      if (this.#hasCapacity || !allowed[0]!.isAvailable) return this.take()
      await this.#untilFree(allowed[0]!)
    }
  }

  /** A connection to be held indefinitely; release it in the end. @throws as take */
  async takePermanently(): Promise<PgConnection> {
    const { limits } = this
    if (!this.#own.isSupported) return this.take()
    try {
      const client = await this.#own.make()
      return new PgConnection({ client, limits, clock: this.#clock, release: () => void client.end() })
    } catch (error) {
      if (this.#hasCapacity) return this.take()
      throw connectError(error, this.#props.server)
    }
  }

  /** Ends the reserved connections when their statements have ended. Callers that wait for a pooled one are rejected. */
  async close(): Promise<void> {
    // The pool hands out idle connections in the next tick.
    await macrotask()
    this.#rejectWaiting()
    await Promise.all([this.#claims.close(), this.#renewals.close()])
    await this.#own.ended()
  }

  destroyAll(error: Error): void {
    this.#rejectWaiting()
    this.limits.stop()
    this.#own.destroyAll(error)
  }

  #rejectWaiting(): void {
    for (const giveUp of this.#waiting) giveUp(new DatabaseClosedError())
  }

  get #hasCapacity(): boolean {
    const { idleCount, waitingCount, totalCount, options } = this.#props.pool
    return waitingCount === 0 && (idleCount > 0 || totalCount < (options.max ?? 10))
  }

  async #pooled(): Promise<PgClient> {
    const { pool, server, acquireMs } = this.#props
    const mustWait = !(pool.idleCount > pool.waitingCount)
    const wasFull = mustWait && !this.#hasCapacity
    try {
      const client = pool.connect()
      // A new connection may take longer to open.
      const limitMs = wasFull ? acquireMs : Math.max(acquireMs, CONNECT_MS)
      return mustWait ? await this.#inTime(client, limitMs) : await client
    } catch (error) {
      if (wasFull && isTooLate(error as Error)) throw this.#exhausted()
      throw connectError(error, server)
    }
  }

  /** The pool's own limit may come first. */
  #inTime(connecting: Promise<PgClient>, limitMs: number): Promise<PgClient> {
    return new Promise((resolve, reject) => {
      let isLate = false
      const giveUp = (error: Error): void => {
        isLate = true
        end()
        reject(error)
      }
      const end = (): void => {
        timer.clear()
        this.#waiting.delete(giveUp)
      }
      this.#waiting.add(giveUp)
      const timer = this.#clock.setTimeout(() => {
        giveUp(Object.assign(new Error(WAITED), { code: 'ETIMEDOUT' }))
      }, limitMs)
      connecting.then(
        (client) => {
          end()
          if (isLate) client.release()
          else resolve(client)
        },
        (error: Error) => {
          end()
          reject(error)
        },
      )
    })
  }

  #untilFree(reserved: ReservedConnection): Promise<void> {
    return new Promise((resolve, reject) => {
      const off = reserved.onFree(() => {
        timer.clear()
        resolve()
      })
      const timer = this.#clock.setTimeout(() => {
        off()
        reject(this.#exhausted())
      }, this.#props.acquireMs)
    })
  }

  #exhausted(): StoreUnavailableError {
    const { pool, server, acquireMs } = this.#props
    return new StoreUnavailableError(
      `all ${pool.totalCount} connections to ${server} were in use for ${acquireMs} ms; ` +
        'within a transaction, pass { tx } or raise max',
      { outcomeUnknown: false },
    )
  }
}

const WAITED = 'timeout exceeded when trying to connect'

function isTooLate({ message }: Error): boolean {
  return message.startsWith(WAITED)
}

function watch(client: PgClient): void {
  watchClient(client, systemClock)
}

function ignore(): void {}
