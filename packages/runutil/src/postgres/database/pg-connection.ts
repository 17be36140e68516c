import type { Clock } from '../../core/clock.ts'
import { macrotask } from '../../core/event-loop.ts'
import { toError } from '../../core/thrown.ts'
import { cancelRequest } from './pg-cancel.ts'
import type { PgClient, PgQuery, PgResult } from './pg-pool.ts'
import type { StatementLimits } from './statement-limits.ts'

/** A connection idle for this long may have ended meanwhile: its socket's pending events are read before it is used. */
const READ_AFTER_MS = 1_000
/** A connection idle for this long is checked with a statement: it may have ended without notice. */
const ASK_AFTER_MS = 15_000
const ASK_LIMIT_MS = 5_000

/** What is known of a client, whichever Database uses it. */
interface Known {
  /** When it last received something: by `elapsed`, and by the time of day, which continues while a machine sleeps. */
  heardAt: number
  heardOn: number
  /** It has answered a statement. */
  hasWorked: boolean
  lost: Error | undefined
}

const known = new WeakMap<PgClient, Known>()

/** To be called with each client once it is connected: from then on its end is noticed. */
export function watchClient(client: PgClient, clock: Clock): void {
  const its = { heardAt: clock.elapsed(), heardOn: clock.now(), hasWorked: false, lost: undefined }
  known.set(client, listenTo(client, its))
}

/** Without a listener, a client's error would end the process; it may come as the first event. */
function listenTo(client: PgClient, its: Known): Known {
  client.on('error', (error: Error) => (its.lost ??= error))
  client.on('end', () => (its.lost ??= new Error('Connection terminated unexpectedly')))
  return its
}

/** For a client that wasn't watched before, the last activity is unknown. */
function knownOf(client: PgClient): Known {
  let its = known.get(client)
  if (its === undefined) {
    its = listenTo(client, { heardAt: -Infinity, heardOn: -Infinity, hasWorked: true, lost: undefined })
    known.set(client, its)
  }
  return its
}

export interface PgConnectionProps {
  readonly client: PgClient
  readonly limits: StatementLimits
  readonly clock: Clock
  /** @param error the connection mustn't be used again */
  readonly giveBack: (error?: Error) => void
}

/** A connection in use, to be given back. */
export class PgConnection {
  readonly client: PgClient
  readonly #props: PgConnectionProps
  readonly #known: Known

  constructor(props: PgConnectionProps) {
    this.#props = props
    this.client = props.client
    this.#known = knownOf(props.client)
  }

  /** Whether it can be expected to answer; checks with a statement when in doubt. */
  async isUsable(): Promise<boolean> {
    const { limits, clock } = this.#props
    const { heardAt, heardOn, hasWorked } = this.#known
    // A new connection that is already lost: the error of the first statement says more.
    if (!hasWorked) return true
    if (limits.isSuspect(heardAt)) return false
    const quietMs = Math.max(clock.elapsed() - heardAt, clock.now() - heardOn)
    if (quietMs < READ_AFTER_MS) return this.#known.lost === undefined
    // The first turn reads pending data; the second reports the end.
    await macrotask()
    await macrotask()
    if (this.#known.lost !== undefined) return false
    if (quietMs < ASK_AFTER_MS) return true
    return this.query({ text: 'select 1' }, ASK_LIMIT_MS).then(
      () => true,
      () => false,
    )
  }

  /**
   * Rejects with the driver's error. A connection that doesn't answer within `limitMs` is destroyed.
   *
   * @param limitMs undefined: no limit
   */
  async query(query: PgQuery, limitMs: number | undefined): Promise<PgResult> {
    try {
      const result = await (limitMs === undefined ? this.client.query(query) : this.#limited(query, limitMs))
      this.#heard()
      return result
    } catch (error) {
      if (this.#known.lost === undefined) this.#heard()
      throw error
    }
  }

  /** @param error it mustn't be used again */
  giveBack(error?: Error): void {
    this.#props.giveBack(this.#known.lost ?? error)
  }

  /** Closes it at once, without waiting for the server. */
  destroy(error: Error): void {
    this.#known.lost ??= error
    destroyClient(this.client, error)
  }

  #heard(): void {
    const { clock } = this.#props
    this.#known.heardAt = clock.elapsed()
    this.#known.heardOn = clock.now()
    this.#known.hasWorked = true
  }

  #limited(query: PgQuery, limitMs: number): Promise<PgResult> {
    const { limits } = this.#props
    return new Promise((resolve, reject) => {
      const unanswered = limits.begin(limitMs, () => {
        const silence = silent(limitMs)
        reject(silence)
        // A server that is there is kept from going on with what nobody waits for.
        cancelRequest(this.client)
        this.destroy(silence)
      })
      this.client.query(query).then(
        (result) => {
          limits.end(unanswered)
          resolve(result)
        },
        (error: unknown) => {
          limits.end(unanswered)
          reject(toError(error))
        },
      )
    })
  }
}

/** Destroys the socket: a regular end would wait for an answer. */
export function destroyClient(client: PgClient, error: Error): void {
  const stream = client.connection?.stream
  if (typeof stream?.destroy === 'function') stream.destroy(error)
  else void Promise.resolve(client.end?.()).catch(() => {})
}

function silent(limitMs: number): Error {
  return Object.assign(new Error(`no answer within ${limitMs} ms`), { code: 'ETIMEDOUT' })
}
