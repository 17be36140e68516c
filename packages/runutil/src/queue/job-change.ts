import type { Duration } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { delayOf, momentOf, payloadJson, priorityOf } from './job-input.ts'
import type { JobChange } from './job-operations.ts'

/** What `retry` changes of the jobs. */
export interface RetryChange {
  /** Any JSON value, up to 4 MiB of JSON. Default: the job's own. */
  payload?: unknown
}

/** What `reschedule` changes of a job; what isn't given stays. */
export interface RescheduleChange {
  /** When to run; a time in the past means now. */
  runAt?: Date | undefined
  /** How long after the call to run, by the store's clock; instead of `runAt`. */
  delay?: Duration | undefined
  /** Higher first, a 32-bit integer. */
  priority?: number | undefined
  /** Any JSON value, up to 4 MiB of JSON. */
  payload?: unknown
}

/**
 * The new payload as JSON; undefined: none was given.
 *
 * @throws InvalidArgumentError for an unknown field, ErrInvalidJob for a payload that isn't JSON or too large
 */
export function retryPayload(change: RetryChange, mostJson: number | undefined): string | undefined {
  const checked = checkOptions('retry: change', change, ['payload'])
  return 'payload' in checked ? payloadJson(checked.payload, nameIn('retry'), mostJson) : undefined
}

/**
 * A change as a store takes it.
 *
 * @throws InvalidArgumentError for an unknown field, or none; ErrInvalidJob for a value that no job can have
 */
export function rescheduleChange(change: RescheduleChange, mostJson: number | undefined): JobChange {
  const known = ['runAt', 'delay', 'priority', 'payload'] as const
  const checked = checkOptions('reschedule: change', change, known)
  const { runAt, delay, priority, payload } = checked
  if (runAt === undefined && delay === undefined && priority === undefined && !('payload' in checked)) {
    throw unexpected('reschedule: change', 'at least one of runAt, delay, priority and payload', change)
  }
  const name = nameIn('reschedule')
  return {
    runAt: momentOf(runAt, name),
    delayMs: delay === undefined ? undefined : delayOf(delay, runAt, name),
    priority: priority === undefined ? undefined : priorityOf(priority, name),
    payload: 'payload' in checked ? payloadJson(payload, name, mostJson) : undefined,
  }
}

function nameIn(call: string): (field?: string) => string {
  return (field = '') => `${call}: change${field}`
}
