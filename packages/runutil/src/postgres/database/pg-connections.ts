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

/** What a statement is that is sent on a connection kept for such: claims, or renewals and what is as urgent. */
export type ReservedFor = 'claims' | 'renewals'

export interface PgConnectionsProps {
  readonly pool: PgPool
  /** What errors call the server. */
  readonly server: string
  /** How long somebody waits for a free connection. */
  readonly acquireMs: number
}

/** How long a new connection may take. */
export const CONNECT_MS = 10_000

/**
 * Where connections come from: the pool, and up to three beside it, one each for claims, renewals and LISTEN. Those of
 * the pool that were idle for long are looked at before they are used.
 */
export class PgConnections {
  readonly limits = new StatementLimits(systemClock)
  readonly #props: PgConnectionsProps
  readonly #clock: Clock = systemClock
  readonly #own: OwnClients
  readonly #claims: ReservedConnection
  readonly #renewals: ReservedConnection
  /** Who waits for one of the pool's, which forgets them when it ends. */
  readonly #waiting = new Set<(error: Error) => void>()

  constructor(props: PgConnectionsProps) {
    const { pool } = props
    this.#props = props
    this.#own = new OwnClients({ pool, clock: this.#clock, connectMs: CONNECT_MS })
    const reserved = { own: this.#own, limits: this.limits, clock: this.#clock }
    this.#claims = new ReservedConnection(reserved)
    this.#renewals = new ReservedConnection(reserved)
    // An idle connection that dies is replaced by the pool; without a listener its error would end the process.
    if (!pool.listeners('error').includes(ignore)) pool.on('error', ignore).on('connect', watch)
  }

  /** One of the pool's. @throws StoreUnavailableError, DatabaseRefusedError, DatabaseClosedError */
  async take(): Promise<PgConnection> {
    const { limits } = this
    for (;;) {
      const client = await this.#pooled()
      const giveBack = (error?: Error): void => client.release(error)
      const connection = new PgConnection({ client, limits, clock: this.#clock, giveBack })
      if (await connection.isUsable()) return connection
      const lost = new Error('the connection was lost while it was idle')
      connection.destroy(lost)
      connection.giveBack(lost)
    }
  }

  /** One that is kept for such statements, else one of the pool's. @throws as take */
  async takeReserved(sort: ReservedFor): Promise<PgConnection> {
    if (!this.#own.areMade) return this.take()
    // A claim may take its time, so claims take nothing from renewals.
    const allowed = sort === 'claims' ? [this.#claims] : [this.#renewals, this.#claims]
    for (;;) {
      const free = allowed.find((one) => one.isFree)
      if (free !== undefined) {
        const connection = await free.take().catch(() => undefined)
        if (connection !== undefined) return connection
        // A server that takes no more may have some idle in the pool; if it is away, they say so.
        continue
      }
      if (this.#hasRoom || !allowed[0]!.isMade) return this.take()
      await this.#untilFree(allowed[0]!)
    }
  }

  /** One for good, that is to be given back all the same. @throws as take */
  async takeForGood(): Promise<PgConnection> {
    const { limits } = this
    if (!this.#own.areMade) return this.take()
    try {
      const client = await this.#own.make()
      const giveBack = (): void => void client.end()
      return new PgConnection({ client, limits, clock: this.#clock, giveBack })
    } catch (error) {
      if (this.#hasRoom) return this.take()
      throw connectError(error, this.#props.server)
    }
  }

  /** Ends those that are its own, when what runs on them has ended. Whoever waits for one of the pool's waits no longer. */
  async close(): Promise<void> {
    // The pool's idle ones are handed out in the next tick.
    await macrotask()
    this.#giveUpWaiting()
    await Promise.all([this.#claims.close(), this.#renewals.close()])
    await this.#own.ended()
  }

  destroyAll(error: Error): void {
    this.#giveUpWaiting()
    this.limits.stop()
    this.#own.destroyAll(error)
  }

  #giveUpWaiting(): void {
    for (const giveUp of this.#waiting) giveUp(new DatabaseClosedError())
  }

  get #hasRoom(): boolean {
    const { idleCount, waitingCount, totalCount, options } = this.#props.pool
    return waitingCount === 0 && (idleCount > 0 || totalCount < (options.max ?? 10))
  }

  async #pooled(): Promise<PgClient> {
    const { pool, server, acquireMs } = this.#props
    const mustWait = !(pool.idleCount > pool.waitingCount)
    const wasFull = mustWait && !this.#hasRoom
    try {
      const client = pool.connect()
      // One that is made takes the time that it takes.
      const limitMs = wasFull ? acquireMs : Math.max(acquireMs, CONNECT_MS)
      return mustWait ? await this.#inTime(client, limitMs) : await client
    } catch (error) {
      if (wasFull && isTooLate(error as Error)) throw this.#exhausted()
      throw connectError(error, server)
    }
  }

  /** A pool's own limit may be earlier. */
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
