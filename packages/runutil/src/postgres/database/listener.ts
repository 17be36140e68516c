import { ExponentialBackoff } from '../../core/backoff.ts'
import { systemClock } from '../../core/clock-system.ts'
import { type Clock, type Timer } from '../../core/clock.ts'
import { DatabaseClosedError } from './errors.ts'
import { ListenerSet } from './listener-set.ts'
import { statementError } from './pg-errors.ts'
import type { PgClient, PgNotification } from './pg-pool.ts'
import { quotedName } from './quoted-name.ts'

export interface ListenerProps {
  /** Gives a connection for it alone, to be released. */
  readonly connect: () => Promise<PgClient>
  /** What errors call the server. */
  readonly server: string
  /** Default: the system's. */
  readonly clock?: Clock
}

interface Session {
  readonly client: PgClient
  /** What the server was told to notify of. */
  channels: readonly string[]
  /** Gives the connection back and takes all listeners off it. */
  end(): void
}

const RECONNECT = new ExponentialBackoff({ initial: 100, max: 5_000, jitterProportion: 0.5 })

/**
 * LISTEN on one connection for all channels, held only while anybody listens. A connection that was lost is made
 * again with backoff for as long as it takes; then each callback is called with '', for what was missed.
 */
export class Listener {
  readonly #connect: () => Promise<PgClient>
  readonly #server: string
  readonly #clock: Clock
  readonly #listeners = new ListenerSet()
  #session: Session | undefined
  /** Whether a session was lost since the last one that worked. */
  #missed = false
  #turn: Promise<void> = Promise.resolve()
  #attempts = 0
  #retry: Timer | undefined

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
      // A connection that is lost right now is told when it is made again.
      if (this.#session !== undefined) await this.#reconcile().catch(() => {})
    }
  }

  async close(): Promise<void> {
    this.#listeners.clear()
    await this.#reconcile()
  }

  /** Makes the connection and its channels what they should be. One at a time. */
  #reconcile(): Promise<void> {
    const pass = this.#turn.then(() => this.#pass())
    this.#turn = pass.catch(() => {})
    return pass
  }

  async #pass(): Promise<void> {
    this.#retry?.clear()
    if (this.#listeners.channels.length === 0) return this.#end()
    try {
      this.#session ??= await this.#open()
      await this.#tell(this.#session)
    } catch (thrown) {
      const error = statementError(thrown, this.#server, false)
      this.#lost(error)
      throw error
    }
    this.#attempts = 0
    if (!this.#missed) return
    this.#missed = false
    this.#listeners.callAll('')
  }

  async #open(): Promise<Session> {
    const client = await this.#connect()
    const onNotification = ({ channel, payload = '' }: PgNotification): void =>
      this.#listeners.call(channel, payload)
    const onLost = (error?: Error): void => {
      if (this.#session?.client === client) this.#lost(error)
    }
    client.on('notification', onNotification)
    client.on('error', onLost)
    client.on('end', onLost)
    const end = (): void => {
      client.removeListener('notification', onNotification)
      client.removeListener('error', onLost)
      client.removeListener('end', onLost)
      // Not for others: it still listens.
      client.release(true)
    }
    return { client, channels: [], end }
  }

  async #tell(session: Session): Promise<void> {
    const [before, now] = [session.channels, this.#listeners.channels]
    const statements = [
      ...now
        .filter((channel) => !before.includes(channel))
        .map((channel) => /* sql */ `listen ${quoted(channel)}`),
      ...before
        .filter((channel) => !now.includes(channel))
        .map((channel) => /* sql */ `unlisten ${quoted(channel)}`),
    ]
    if (statements.length > 0) await session.client.query({ text: statements.join(';') })
    session.channels = now
  }

  #end(): void {
    this.#session?.end()
    this.#session = undefined
    this.#missed = false
    this.#attempts = 0
  }

  #lost(error: unknown): void {
    if (this.#session !== undefined) this.#missed = true
    this.#session?.end()
    this.#session = undefined
    // Whoever owns the pool has ended it.
    if (error instanceof DatabaseClosedError) this.#listeners.clear()
    this.#retry?.clear()
    if (this.#listeners.channels.length === 0) return
    const again = (): void => void this.#reconcile().catch(() => {})
    this.#retry = this.#clock.setTimeout(again, RECONNECT.duration(++this.#attempts, this.#clock))
  }
}

const quoted = (channel: string): string => quotedName(channel, 'listen')
