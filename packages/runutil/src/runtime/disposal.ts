import type { Clock } from '../core/clock.ts'
import { toError } from '../core/thrown.ts'
import { within } from '../core/within.ts'
import { type Failure, ShutdownTimeoutError } from './errors.ts'
import type { Grace } from './grace.ts'
import type { Made } from './made.ts'

/**
 * Disposes of one object after another, within the grace period but for at least a second. It does not wait for one that takes
 * longer, and still disposes of those after it.
 *
 * @param next the next object to dispose of; undefined when there is none
 * @returns the failures, and a ShutdownTimeoutError that names what took too long
 */
export async function dispose(
  next: () => Made | undefined,
  grace: Grace,
  clock: Clock,
): Promise<readonly Failure[]> {
  const failures: Failure[] = []
  const late: string[] = []
  const endsAt = clock.elapsed() + grace.leftMs
  for (let made = next(); made !== undefined; made = next()) {
    try {
      const leftMs = Math.max(0, endsAt - clock.elapsed())
      if (!(await hasEnded(made.dispose(), leftMs, clock))) late.push(made.name)
    } catch (error) {
      failures.push({ worker: made.name, error: toError(error) })
    }
  }
  if (late.length > 0) failures.push(lateFailure(late, grace))
  return failures
}

async function hasEnded(disposal: Promise<void>, ms: number, clock: Clock): Promise<boolean> {
  if (ms < Infinity) return within(disposal, ms, clock)
  await disposal
  return true
}

function lateFailure(late: readonly string[], { spentMs }: Grace): Failure {
  return { worker: late.join(', '), error: new ShutdownTimeoutError(late, Math.round(spentMs)) }
}
