import type { Clock } from '../../core/clock.ts'
import { macrotask } from '../../core/event-loop.ts'
import { toError } from '../../core/thrown.ts'
import { cancelRequest } from './pg-cancel.ts'
import type { PgClient, PgQuery, PgResult } from './pg-pool.ts'
import type { StatementLimits } from './statement-limits.ts'

/** One that was quiet for so long may have been ended meanwhile: what its socket has to say is read before it is used. */
const READ_AFTER_MS = 1_000
/** One that was quiet for so long is asked whether it is still there: who ended it may not have got through. */
const ASK_AFTER_MS = 15_000
const ASK_LIMIT_MS = 5_000

/** What is known of a client, whichever Database uses it. */
interface Known {
  /** When it said something last: by `elapsed`, and by the time of day, which goes on while a machine sleeps. */
  heardAt: number
  heardOn: number
  /** It has answered a statement. */
  hasWorked: boolean
  lost: Error | undefined
}

const known = new WeakMap<PgClient, Known>()

/** To be called with each client as soon as it is connected: from then on its end is noticed. */
export function watchClient(client: PgClient, clock: Clock): void {
  const its = { heardAt: clock.elapsed(), heardOn: clock.now(), hasWorked: false, lost: undefined }
  known.set(client, listenTo(client, its))
}

/** A client's errors would end the process if nobody listened, and may come with its first word. */
function listenTo(client: PgClient, its: Known): Known {
  client.on('error', (error: Error) => (its.lost ??= error))
  client.on('end', () => (its.lost ??= new Error('Connection terminated unexpectedly')))
  return its
}

/** Of one that nobody watched so far, when it was heard isn't known. */
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
  /** @param error the connection isn't to be used again */
  readonly giveBack: (error?: Error) => void
}

/** A connection that was taken, to be given back. */
export class PgConnection {
  readonly client: PgClient
  readonly #props: PgConnectionProps
  readonly #known: Known

  constructor(props: PgConnectionProps) {
    this.#props = props
    this.client = props.client
    this.#known = knownOf(props.client)
  }

  /** Whether it can be expected to answer; asks it when that is in doubt. */
  async isUsable(): Promise<boolean> {
    const { limits, clock } = this.#props
    const { heardAt, heardOn, hasWorked } = this.#known
    // A new one that is lost already says more as the error of what is sent on it.
    if (!hasWorked) return true
    if (limits.isSuspect(heardAt)) return false
    const quietMs = Math.max(clock.elapsed() - heardAt, clock.now() - heardOn)
    if (quietMs < READ_AFTER_MS) return this.#known.lost === undefined
    // In the first turn its last words are read; in the second its end is told of.
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

  /** @param error it isn't to be used again */
  giveBack(error?: Error): void {
    this.#props.giveBack(this.#known.lost ?? error)
  }

  /** Ends it at once, whatever the other side does. */
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

/** Its socket, not its manners: a goodbye would wait for an answer. */
export function destroyClient(client: PgClient, error: Error): void {
  const stream = client.connection?.stream
  if (typeof stream?.destroy === 'function') stream.destroy(error)
  else void Promise.resolve(client.end?.()).catch(() => {})
}

function silent(limitMs: number): Error {
  return Object.assign(new Error(`no answer within ${limitMs} ms`), { code: 'ETIMEDOUT' })
}
