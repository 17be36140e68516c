import { currentClock } from '../core/context.ts'
import { type Duration, toMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { isPlainFunction } from '../core/has.ts'
import { checkOptions } from '../core/options.ts'
import { sleep } from '../core/wait.ts'
import { wholeNumber } from '../core/whole-number.ts'
import { RetriesExhaustedError, TaskRetryError } from './errors.ts'

const ALWAYS = 'text file busy'

/** An error to throw when a reason contains 'text file busy' or one of the given strings; else undefined (seed 002). */
export function needsRetry(reason: string, ...retryStrings: string[]): TaskRetryError | undefined {
  const asks = [ALWAYS, ...retryStrings].some((text) => reason.includes(text))
  return asks ? new TaskRetryError(reason) : undefined
}

/**
 * Calls a task again while it throws a TaskRetryError, at most `maxAttempts` times in all, `delay` between (seed 002).
 *
 * @throws RetriesExhaustedError after the last; the signal's reason on abort; any other error of the task as it is
 */
export async function retryFunction(
  maxAttempts: number,
  delay: Duration,
  task: () => Promise<void> | void,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const what = 'retryFunction'
  const { signal } = checkOptions(what, options, ['signal'])
  const delayMs = toMs(delay, `${what}: delay`)
  wholeNumber(maxAttempts, `${what}: maxAttempts`, { min: 1 })
  if (!isPlainFunction(task)) throw unexpected(what, 'a function () => Promise', task)
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    const asked = await retryAskedBy(task)
    if (asked === undefined) return
    if (attempt === maxAttempts) throw new RetriesExhaustedError(attempt, asked)
    await sleep(currentClock(), delayMs, signal)
  }
}

async function retryAskedBy(task: () => Promise<void> | void): Promise<TaskRetryError | undefined> {
  try {
    await task()
    return undefined
  } catch (error) {
    if (error instanceof TaskRetryError) return error
    throw error
  }
}
