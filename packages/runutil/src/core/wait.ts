import { offAbort, onAbort } from './abort.ts'
import type { Clock } from './clock.ts'
import { currentClock } from './context.ts'
import { type Duration, toMs } from './duration.ts'

/**
 * Resolves after `duration`, or as soon as `signal` aborts; it never rejects.
 *
 * To find out whether the wait ended early, read `signal.aborted`.
 *
 * @throws InvalidDurationError at the call, not later
 */
export function wait(duration: Duration, signal?: AbortSignal): Promise<void> {
  return sleep(currentClock(), toMs(duration, 'wait'), signal)
}

/** As `wait`, for code that has a clock of its own. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = clock.setTimeout(done, ms)
    onAbort(signal, done)
    function done(): void {
      timer.clear()
      offAbort(signal, done)
      resolve()
    }
  })
}
