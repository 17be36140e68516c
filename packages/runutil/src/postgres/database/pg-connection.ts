import type { Clock } from '../../core/clock.ts'
import { macrotask } from '../../core/event-loop.ts'
import { toError } from '../../core/thrown.ts'
import { cancelRequest } from './pg-cancel.ts'
import type { PgClient, PgQuery, PgResult } from './pg-pool.ts'
import type { StatementLimits } from './statement-limits.ts'

/** A connection idle for this long may have ended meanwhile: its socket's pending events are read before it is used. */
const READ_AFTER_MS = 1_000
/** A connection idle for this long is checked with a statement: it may have ended without notice. */
const CHECK_AFTER_MS = 15_000
const CHECK_LIMIT_MS = 5_000

/** What is known of a client, whichever Database uses it. */
interface ClientState {
  /** When it last received something: by `elapsed`, and by the time of day, which continues while a machine sleeps. */
  activeElapsedMs: number
  activeTimeMs: number
  /** It has answered a statement. */
  hasWorked: boolean
  lost: Error | undefined
}

const states = new WeakMap<PgClient, ClientState>()

/** To be called with each client once it is connected: from then on its end is noticed. */
export function watchClient(client: PgClient, clock: Clock): void {
  const state = {
    activeElapsedMs: clock.elapsed(),
    activeTimeMs: clock.now(),
    hasWorked: false,
    lost: undefined,
  }
  states.set(client, listenTo(client, state))
}

/** Without a listener, a client's error would end the process; it may come as the first event. */
function listenTo(client: PgClient, state: ClientState): ClientState {
  client.on('error', (error: Error) => (state.lost ??= error))
  client.on('end', () => (state.lost ??= new Error('Connection terminated unexpectedly')))
  return state
}

/** For a client that wasn't watched before, the last activity is unknown. */
function stateOf(client: PgClient): ClientState {
  let state = states.get(client)
  if (state === undefined) {
    state = listenTo(client, {
      activeElapsedMs: -Infinity,
      activeTimeMs: -Infinity,
      hasWorked: true,
      lost: undefined,
    })
    states.set(client, state)
  }
  return state
}

export interface PgConnectionProps {
  readonly client: PgClient
  readonly limits: StatementLimits
  readonly clock: Clock
  /** @param error the connection mustn't be used again */
  readonly release: (error?: Error) => void
}

/** A connection in use, to be released. */
export class PgConnection {
  readonly client: PgClient
  readonly #props: PgConnectionProps
  readonly #state: ClientState

  constructor(props: PgConnectionProps) {
    this.#props = props
    this.client = props.client
    this.#state = stateOf(props.client)
  }

  /** Whether it can be expected to answer; checks with a statement when in doubt. */
  async isUsable(): Promise<boolean> {
    const { limits, clock } = this.#props
    const { activeElapsedMs, activeTimeMs, hasWorked } = this.#state
    // A new connection that is already lost: the error of the first statement says more.
    if (!hasWorked) return true
    if (limits.isSuspect(activeElapsedMs)) return false
    const quietMs = Math.max(clock.elapsed() - activeElapsedMs, clock.now() - activeTimeMs)
    if (quietMs < READ_AFTER_MS) return this.#state.lost === undefined
    // The first turn reads pending data; the second reports the end.
    await macrotask()
    await macrotask()
    if (this.#state.lost !== undefined) return false
    if (quietMs < CHECK_AFTER_MS) return true
    return this.query({ text: 'select 1' }, CHECK_LIMIT_MS).then(
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
      this.#answered()
      return result
    } catch (error) {
      if (this.#state.lost === undefined) this.#answered()
      throw error
    }
  }

  /** @param error it mustn't be used again */
  release(error?: Error): void {
    this.#props.release(this.#state.lost ?? error)
  }

  /** Closes it at once, without waiting for the server. */
  destroy(error: Error): void {
    this.#state.lost ??= error
    destroyClient(this.client, error)
  }

  #answered(): void {
    const { clock } = this.#props
    this.#state.activeElapsedMs = clock.elapsed()
    this.#state.activeTimeMs = clock.now()
    this.#state.hasWorked = true
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
