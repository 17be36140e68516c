import { ExponentialBackoff } from './backoff.ts'
import type { Clock } from './clock.ts'
import { StoreUnavailableError } from './store-unavailable-error.ts'
import { sleep } from './wait.ts'

export interface UntilAvailableProps {
  readonly clock: Clock
  /** Ends the delay between two tries early. */
  readonly signal?: AbortSignal | undefined
  /** Whether to rethrow the error instead of trying again; called after each failure. */
  readonly givesUp: () => boolean
  readonly onRetry: (error: StoreUnavailableError, delayMs: number) => void
}

const BETWEEN_TRIES = new ExponentialBackoff({ initial: 50, max: 2_000, jitterProportion: 0.5 })

/** Retries a call of a store, with a growing delay, for as long as the store cannot be reached. */
export async function untilAvailable<T>(ask: () => Promise<T>, props: UntilAvailableProps): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || props.givesUp()) throw error
      const delayMs = BETWEEN_TRIES.duration(attempt)
      props.onRetry(error, delayMs)
      await sleep(props.clock, delayMs, props.signal)
    }
  }
}
