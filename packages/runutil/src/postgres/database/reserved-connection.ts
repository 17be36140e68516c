import type { Clock } from '../../core/clock.ts'
import type { OwnClients } from './own-clients.ts'
import { PgConnection, destroyClient } from './pg-connection.ts'
import type { NewPgClient } from './pg-pool.ts'
import type { StatementLimits } from './statement-limits.ts'

/** After it couldn't be opened, as when the server has too many, the pool's connections are used for this long. */
const RETRY_AFTER_MS = 10_000

export interface ReservedConnectionProps {
  readonly own: OwnClients
  readonly limits: StatementLimits
  readonly clock: Clock
}

/** One connection reserved for statements of one sort, opened when first taken. */
export class ReservedConnection {
  readonly #props: ReservedConnectionProps
  readonly #waiting: (() => void)[] = []
  #client: NewPgClient | undefined
  #taken = false
  #notBefore = -Infinity

  constructor(props: ReservedConnectionProps) {
    this.#props = props
  }

  get isFree(): boolean {
    return !this.#taken && this.isAvailable
  }

  /** Whether it exists or may be opened: waiting for it makes sense. */
  get isAvailable(): boolean {
    return this.#client !== undefined || this.#props.clock.elapsed() >= this.#notBefore
  }

  /** To be called when it is free. @throws the driver's error */
  async take(): Promise<PgConnection> {
    this.#taken = true
    try {
      for (;;) {
        this.#client ??= await this.#props.own.make()
        const connection = this.#connection(this.#client)
        this.#client.ref?.()
        if (await connection.isUsable()) return connection
        this.#drop(new Error('the connection was lost while it was idle'))
      }
    } catch (error) {
      this.#notBefore = this.#props.clock.elapsed() + RETRY_AFTER_MS
      this.#release()
      throw error
    }
  }

  /** Calls back once, when it may be free. @returns removes the callback */
  onFree(callback: () => void): () => void {
    this.#waiting.push(callback)
    return () => {
      const at = this.#waiting.indexOf(callback)
      if (at >= 0) this.#waiting.splice(at, 1)
    }
  }

  /** Resolves when its running statement has ended. */
  async close(): Promise<void> {
    while (this.#taken) await new Promise<void>((resolve) => this.onFree(resolve))
    this.#client?.ref?.()
    await this.#client?.end()
  }

  #connection(client: NewPgClient): PgConnection {
    const { limits, clock } = this.#props
    const release = (error?: Error): void => {
      if (error !== undefined) this.#drop(error)
      this.#release()
    }
    return new PgConnection({ client, limits, clock, release })
  }

  #drop(error: Error): void {
    if (this.#client !== undefined) destroyClient(this.#client, error)
    this.#client = undefined
  }

  #release(): void {
    // An idle connection doesn't keep the process alive.
    this.#client?.unref?.()
    this.#taken = false
    this.#waiting.shift()?.()
  }
}
