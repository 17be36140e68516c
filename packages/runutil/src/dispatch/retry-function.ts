import { currentClock } from '../core/context.ts'
import { type Duration, toMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { isPlainFunction } from '../core/has.ts'
import { checkOptions } from '../core/options.ts'
import { sleep } from '../core/wait.ts'
import { wholeNumber } from '../core/whole-number.ts'
import { RetriesExhaustedError, TaskRetryError } from './errors.ts'

const ALWAYS = 'text file busy'

/** An error to throw when a reason contains 'text file busy' or one of the given strings; else undefined. */
export function needsRetry(reason: string, ...retryStrings: string[]): TaskRetryError | undefined {
  const isRetryable = [ALWAYS, ...retryStrings].some((text) => reason.includes(text))
  return isRetryable ? new TaskRetryError(reason) : undefined
}

/**
 * Calls a task until it no longer throws a TaskRetryError: at most `maxAttempts` times in all, with `delay` between.
 *
 * @throws RetriesExhaustedError after the last attempt; the signal's reason on abort; any other error of the task as it is
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
    const retry = await retryAskedBy(task)
    if (retry === undefined) return
    if (attempt === maxAttempts) throw new RetriesExhaustedError(attempt, retry)
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
