import { ExponentialBackoff } from '../../core/backoff.ts'
import { systemClock } from '../../core/clock-system.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import { SerialQueue } from '../../core/serial-queue.ts'
import { DatabaseClosedError } from './errors.ts'
import { ListenerSet } from './listener-set.ts'
import type { PgConnection } from './pg-connection.ts'
import { statementError } from './pg-errors.ts'
import type { PgNotification } from './pg-pool.ts'
import { quotedName } from './quoted-name.ts'

export interface ListenerProps {
  /** Opens a connection for it alone, to be released. */
  readonly connect: () => Promise<PgConnection>
  /** The server's name in errors. */
  readonly server: string
  /** Default: the system's. */
  readonly clock?: Clock
}

interface Session {
  readonly connection: PgConnection
  /** The channels that the server notifies of. */
  channels: readonly string[]
  /** Releases the connection and removes all listeners from it. */
  end(): void
}

/** A connection that went silent doesn't report it. */
const CHECK_EVERY_MS = 10_000
const LIMIT_MS = 5_000
const RECONNECT = new ExponentialBackoff({ initial: 100, max: 5_000, jitterProportion: 0.5 })

/**
 * LISTEN on one connection for all channels, held while there are listeners. A lost connection is reopened with backoff
 * for as long as it takes; then each callback is called with '', since notifications may have been missed.
 */
export class Listener {
  readonly #connect: () => Promise<PgConnection>
  readonly #server: string
  readonly #clock: Clock
  readonly #listeners = new ListenerSet()
  #session: Session | undefined
  /** Whether a session was lost since the last one that worked. */
  #missed = false
  readonly #reconciling = new SerialQueue()
  #attempts = 0
  #retry: Timer | undefined
  #check: Timer | undefined

  constructor({ connect, server, clock = systemClock }: ListenerProps) {
    this.#connect = connect
    this.#server = server
    this.#clock = clock
  }

  /** As `Database.listen`. */
  async listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>> {
    quotedName(channel, 'listen')
    const off = this.#listeners.add(channel, callback)
    try {
      await this.#reconcile()
    } catch (error) {
      off()
      if (this.#listeners.channels.length === 0) this.#retry?.clear()
      throw error
    }
    return async () => {
      off()
      // After a lost connection, the channels are set when it is reopened.
      if (this.#session !== undefined) await this.#reconcile().catch(() => {})
    }
  }

  async close(): Promise<void> {
    this.#listeners.clear()
    await this.#reconcile()
  }

  /** Opens or closes the connection and its channels as the listeners require. One pass at a time. */
  #reconcile(): Promise<void> {
    return this.#reconciling.run(() => this.#reconcileNow())
  }

  async #reconcileNow(): Promise<void> {
    this.#retry?.clear()
    if (this.#listeners.channels.length === 0) return this.#end()
    try {
      this.#session ??= await this.#open()
      await this.#updateChannels(this.#session)
    } catch (thrown) {
      const error = statementError(thrown, this.#server, false)
      this.#lost(error)
      throw error
    }
    this.#attempts = 0
    this.#checkLater()
    if (!this.#missed) return
    this.#missed = false
    this.#listeners.callAll('')
  }

  async #open(): Promise<Session> {
    const connection = await this.#connect()
    const { client } = connection
    const onNotification = ({ channel, payload = '' }: PgNotification): void =>
      this.#listeners.call(channel, payload)
    const onLost = (error?: Error): void => {
      if (this.#session?.connection === connection) this.#lost(error)
    }
    client.on('notification', onNotification)
    client.on('error', onLost)
    client.on('end', onLost)
    const end = (): void => {
      client.removeListener('notification', onNotification)
      client.removeListener('error', onLost)
      client.removeListener('end', onLost)
      // Not reusable: it still listens.
      connection.release(new Error('it listens'))
    }
    return { connection, channels: [], end }
  }

  async #updateChannels(session: Session): Promise<void> {
    const before = session.channels
    const now = this.#listeners.channels
    const statements = [
      ...now
        .filter((channel) => !before.includes(channel))
        .map((channel) => /* sql */ `listen ${quoted(channel)}`),
      ...before
        .filter((channel) => !now.includes(channel))
        .map((channel) => /* sql */ `unlisten ${quoted(channel)}`),
    ]
    if (statements.length > 0) await session.connection.query({ text: statements.join(';') }, LIMIT_MS)
    session.channels = now
  }

  #checkLater(): void {
    const at = this.#clock.elapsed() + CHECK_EVERY_MS
    if (this.#check === undefined) this.#check = this.#clock.setTimeoutAt(this.#checkSession, at)
    else this.#check.restartAt(at)
  }

  readonly #checkSession = (): void => {
    const session = this.#session
    if (session === undefined) return
    session.connection.query({ text: 'select 1' }, LIMIT_MS).then(
      () => {
        if (this.#session === session) this.#checkLater()
      },
      (error: unknown) => {
        if (this.#session === session) this.#lost(error)
      },
    )
  }

  #end(): void {
    this.#check?.clear()
    this.#session?.end()
    this.#session = undefined
    this.#missed = false
    this.#attempts = 0
  }

  #lost(error: unknown): void {
    if (this.#session !== undefined) this.#missed = true
    this.#check?.clear()
    this.#session?.end()
    this.#session = undefined
    // The owner of the pool has ended it.
    if (error instanceof DatabaseClosedError) this.#listeners.clear()
    this.#retry?.clear()
    if (this.#listeners.channels.length === 0) return
    const again = (): void => void this.#reconcile().catch(() => {})
    this.#retry = this.#clock.setTimeout(again, RECONNECT.duration(++this.#attempts, this.#clock))
  }
}

const quoted = (channel: string): string => quotedName(channel, 'listen')
