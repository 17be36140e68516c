import { validate } from '../core/schema.ts'
import { DeadlineExceededError } from './errors.ts'
import type { ClaimedJob } from './job.ts'
import type { Kind } from './kind.ts'

/** What came of calling a handler. */
export type HandlerResult =
  | { readonly kind: 'returned'; readonly value: unknown }
  /** `stopped`: its signal had been aborted. */
  | { readonly kind: 'threw'; readonly error: unknown; readonly stopped: boolean }
  /** What came in or went out isn't what the kind's schema says. */
  | { readonly kind: 'mismatch'; readonly what: 'payload' | 'result'; readonly issues: string }
  | { readonly kind: 'overdue'; readonly error: DeadlineExceededError }

/** Calls the handler of a kind, its payload and result held to the kind's schemas. Never rejects. */
export function perform(
  job: ClaimedJob,
  kind: Kind,
  signal: AbortSignal,
): HandlerResult | Promise<HandlerResult> {
  if (kind.input !== undefined || kind.output !== undefined) return performTyped(job, kind, signal)
  try {
    const value = kind.handler(job, signal)
    return isThenable(value) ? awaited(value, signal) : returned(value)
  } catch (error) {
    return threw(error, signal)
  }
}

/** By `await`: what the `then` of a query builder or of somebody's own promise returns may be no promise. */
async function awaited(value: PromiseLike<unknown>, signal: AbortSignal): Promise<HandlerResult> {
  try {
    return returned(await value)
  } catch (error) {
    return threw(error, signal)
  }
}

async function performTyped(job: ClaimedJob, kind: Kind, signal: AbortSignal): Promise<HandlerResult> {
  try {
    const payload = await validate(kind.input, job.payload)
    if ('issues' in payload) return { kind: 'mismatch', what: 'payload', issues: payload.issues }
    const value: unknown = await kind.handler({ ...job, payload: payload.value }, signal)
    const result = await validate(kind.output, value)
    if ('issues' in result) return { kind: 'mismatch', what: 'result', issues: result.issues }
    return returned(result.value)
  } catch (error) {
    return threw(error, signal)
  }
}

function returned(value: unknown): HandlerResult {
  return { kind: 'returned', value }
}

function threw(error: unknown, signal: AbortSignal): HandlerResult {
  return { kind: 'threw', error, stopped: signal.aborted }
}

export function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
