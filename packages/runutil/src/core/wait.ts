import { offAbort, onAbort } from './abort.ts'
import type { Clock } from './clock.ts'
import { currentClock } from './context.ts'
import { type Duration, toMs } from './duration.ts'

/**
 * Resolves after `duration`, or as soon as `signal` aborts; it never rejects.
 *
 * Not a way to see whether the wait was cut short: look at `signal.aborted` for that.
 *
 * @throws InvalidDurationError at the call, not later
 */
export function wait(duration: Duration, signal?: AbortSignal): Promise<void> {
  return sleep(currentClock(), toMs(duration, 'wait'), signal)
}

/** `wait` for code that holds its clock. */
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
