import type { Clock, Timer } from './clock.ts'
import { StoreUnavailableError } from './store-unavailable-error.ts'

const MOST_MS = 1_000
/** The share of the grace period that an answer may take. */
const SHARE = 0.1

export interface StoreTimeoutOptions<T> {
  /** How long the answer may take before a stop. Default: no limit. */
  readonly limitMs?: number | undefined
  /** Whether a stop ends the wait at once. Default: never. */
  readonly givesUpAtStop?: (() => boolean) | undefined
  /** Called with an answer that arrives after the timeout. */
  readonly onLate?: ((answer: T) => void) | undefined
}

/** Limits how long a worker waits for answers of a store; after a stop, much more tightly. */
export class StoreTimeout {
  readonly #clock: Clock
  /** How long to wait for an answer after a stop. */
  readonly stoppingMs: number
  readonly #onStop = new Set<() => void>()
  #stopping = false

  /** @param graceMs how long workers may continue after the abort; undefined: no limit */
  constructor(clock: Clock, graceMs: number | undefined) {
    this.#clock = clock
    this.stoppingMs = Math.min(MOST_MS, (graceMs ?? Infinity) * SHARE)
  }

  /** From now on calls have `stoppingMs`: pending ones from now, later ones from their start. */
  readonly stop = (): void => {
    this.#stopping = true
    for (const narrow of this.#onStop) narrow()
    this.#onStop.clear()
  }

  /** @throws StoreUnavailableError when the answer takes too long */
  bound<T>(
    call: Promise<T>,
    { limitMs = Infinity, givesUpAtStop = () => false, onLate = () => {} }: StoreTimeoutOptions<T> = {},
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined
      let isLate = false
      const waitFor = (ms: number): void => {
        timer?.clear()
        timer = this.#clock.setTimeout(() => {
          isLate = true
          reject(
            new StoreUnavailableError(`no answer of the store within ${ms} ms`, { outcomeUnknown: true }),
          )
        }, ms)
      }
      const narrow = (): void => waitFor(givesUpAtStop() ? 0 : this.stoppingMs)
      if (this.#stopping) narrow()
      else if (limitMs < Infinity) waitFor(limitMs)
      if (!this.#stopping) this.#onStop.add(narrow)
      const end = (): void => {
        this.#onStop.delete(narrow)
        timer?.clear()
      }
      call.then(
        (value) => {
          end()
          if (isLate) onLate(value)
          else resolve(value)
        },
        (error: Error) => {
          end()
          reject(error)
        },
      )
    })
  }
}
