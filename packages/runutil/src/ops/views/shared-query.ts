import { AsyncScope } from '../../core/async-scope.ts'
import type { Clock } from '../../core/clock.ts'
import { InvalidArgumentError } from '../../core/errors.ts'
import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import { reasonOf } from '../../core/thrown.ts'
import { OpsError } from '../ops-error.ts'

/** For so long an answer is everybody's. */
export const SHARED_MS = 2_000
/** So long a query may take. */
export const LIMIT_MS = 2_000
/** The delay of the next try after a failure; doubled with each, up to `LONGEST_DELAY_MS`. */
const FIRST_DELAY_MS = 4_000
const LONGEST_DELAY_MS = 60_000

/** What a query answered, and as of when. */
export interface Answer<T> {
  readonly value: T
  /** ISO. */
  readonly at: string
  /** How long ago it was asked for. */
  readonly ageMs: number
}

export interface SharedQueryProps<T> {
  readonly clock: Clock
  /** What it asks for, for errors: 'jobs'. */
  readonly what: string
  /** @param signal aborts when nobody waits for it any more */
  readonly query: (signal: AbortSignal) => Promise<T>
  /** How long it may take, in ms. Default 2 s. */
  readonly limitMs?: number | undefined
}

/**
 * A query that runs only when somebody asks, one at a time, and whose answer is that of all who ask within 2 s.
 *
 * idle ─► asking ─► fresh, for 2 s ─► idle, or after a failure ─► waiting, for 4, 8 … 60 s ─► idle. While waiting, and when a query
 * takes longer than its limit, the last answer stands, with its age; without one, asking is an error: the unknown is never an empty list.
 * Once `outdate` was called, whoever asks gets the answer of a query that began after that, if it may be asked again.
 */
export class SharedQuery<T> {
  readonly #props: SharedQueryProps<T>
  /** Those of whoever made it: queries belong to no caller's trace. */
  readonly #scope = new AsyncScope()
  #last: { readonly value: T; readonly at: string; readonly askedAt: number } | undefined
  #asking: Promise<void> | undefined
  /** When the query that hasn't ended began, on the scale of `clock.elapsed()`. */
  #unansweredSince: number | undefined
  /** What it asks for has changed since the last query began. */
  #isOutdated = false
  #failures = 0
  #failure: unknown
  #nextTryAt = -Infinity

  constructor(props: SharedQueryProps<T>) {
    this.#props = props
  }

  /** Whether a query is on that hasn't ended. */
  get isBusy(): boolean {
    return this.#unansweredSince !== undefined
  }

  /** @throws OpsError 503 when there never was an answer; what the query itself says about wrong arguments */
  async ask(): Promise<Answer<T>> {
    const { clock } = this.#props
    // The answer of a query that began before a change is for those who asked before it; as is its failure.
    while (this.#asking !== undefined && this.#isOutdated) await this.#asking.catch(() => {})
    if (this.#asking !== undefined) await this.#asking
    else if (!this.#isFresh && this.#mayTry) await this.#begin()
    const last = this.#last
    if (last === undefined) throw this.#unknown()
    return { value: last.value, at: last.at, ageMs: Math.round(clock.elapsed() - last.askedAt) }
  }

  /** To be called when what it asks for has changed. The last answer stands only for as long as there can be no other. */
  outdate(): void {
    this.#isOutdated = true
  }

  get #isFresh(): boolean {
    if (this.#last === undefined || this.#isOutdated) return false
    return this.#props.clock.elapsed() - this.#last.askedAt < SHARED_MS
  }

  /** A query that was given up may still be on in the store, where a second one would only add to its load. */
  get #mayTry(): boolean {
    const now = this.#props.clock.elapsed()
    if (now < this.#nextTryAt) return false
    return this.#unansweredSince === undefined || now - this.#unansweredSince >= LONGEST_DELAY_MS
  }

  #begin(): Promise<void> {
    this.#isOutdated = false
    this.#asking = this.#scope
      .run(() => this.#tryOnce())
      .finally(() => {
        this.#asking = undefined
      })
    return this.#asking
  }

  async #tryOnce(): Promise<void> {
    const { clock } = this.#props
    const askedAt = clock.elapsed()
    const at = new Date(clock.now()).toISOString()
    try {
      const value = await this.#bounded(askedAt)
      this.#last = { value, at, askedAt }
      this.#failures = 0
      this.#failure = undefined
    } catch (error) {
      if (isCallers(error)) throw error
      this.#failure = error
      this.#nextTryAt =
        clock.elapsed() + Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(this.#failures++, 10))
    }
  }

  #bounded(askedAt: number): Promise<T> {
    const { clock, query, limitMs = LIMIT_MS } = this.#props
    const controller = new AbortController()
    this.#unansweredSince = askedAt
    return new Promise<T>((resolve, reject) => {
      const timer = clock.setTimeout(() => {
        const late = new StoreUnavailableError(`no answer within ${limitMs} ms`, { outcomeUnknown: false })
        controller.abort(late)
        reject(late)
      }, limitMs)
      const ended = (): void => {
        timer.clear()
        if (this.#unansweredSince === askedAt) this.#unansweredSince = undefined
      }
      Promise.resolve()
        .then(() => query(controller.signal))
        .finally(ended)
        .then(resolve, reject)
    })
  }

  #unknown(): OpsError {
    const { what } = this.#props
    const reason = this.#failure === undefined ? 'the query before has not ended' : reasonOf(this.#failure)
    return new OpsError(503, 'unavailable', `${what}: unknown, since asking for it failed: ${reason}`)
  }
}

/** Not the store's failure, and no reason not to ask again. */
function isCallers(error: unknown): boolean {
  return error instanceof InvalidArgumentError || error instanceof OpsError
}
