import { validate } from '../core/schema.ts'
import { isInstance, messageOf } from '../core/thrown.ts'
import { type Encoding, type JobCodec, decodePayload, encodeResult } from './codec.ts'
import { type DeadlineExceededError, ErrInvalidJob } from './errors.ts'
import type { ClaimedJob } from './job.ts'
import type { Kind } from './kind.ts'
import { throughMiddleware } from './middleware.ts'

/** How a call of a handler ended. */
export type HandlerResult =
  | { readonly kind: 'returned'; readonly value: unknown }
  /** `stopped`: its signal was aborted before. */
  | { readonly kind: 'threw'; readonly error: unknown; readonly stopped: boolean }
  /** The payload or the result doesn't match the kind's schema. */
  | { readonly kind: 'mismatch'; readonly what: 'payload' | 'result'; readonly issues: string }
  /** The payload can't be decoded, or the result not be encoded. */
  | { readonly kind: 'codec'; readonly message: string }
  | { readonly kind: 'overdue'; readonly error: DeadlineExceededError }

/** Calls the handler of a kind and checks its payload and result against the kind's schemas. Never rejects. */
export function perform(
  job: ClaimedJob,
  kind: Kind,
  signal: AbortSignal,
): HandlerResult | Promise<HandlerResult> {
  const { input, output, middleware, encoding } = kind
  if (encoding !== undefined) return performDecoded(job, { ...kind, encoding }, signal)
  if (input !== undefined || output !== undefined || middleware !== undefined) {
    return performTyped(job, kind, signal)
  }
  try {
    const value = kind.handler(job, signal)
    return isThenable(value) ? awaited(value, signal) : returned(value)
  } catch (error) {
    return threw(error, signal)
  }
}

/** Uses `await`, since the `then` of a query builder or another thenable may not return a promise. */
async function awaited(value: PromiseLike<unknown>, signal: AbortSignal): Promise<HandlerResult> {
  try {
    return returned(await value)
  } catch (error) {
    return threw(error, signal)
  }
}

/** As `performTyped`, for a queue with a codec. */
async function performDecoded(
  job: ClaimedJob,
  kind: Kind & { readonly encoding: Encoding & { readonly codec: JobCodec } },
  signal: AbortSignal,
): Promise<HandlerResult> {
  try {
    // In the job itself: its `retryIf` gets that too, also after a deadline.
    Object.assign(job, await decodePayload(job, kind.encoding.codec))
  } catch (error) {
    return { kind: 'codec', message: messageOf(error) }
  }
  const result = await performTyped(job, kind, signal)
  if (result.kind !== 'returned' || result.value === undefined) return result
  try {
    return returned(JSON.parse(await encodeResult(result.value, job, kind.encoding, 'result')))
  } catch (error) {
    const isJsons = isInstance(error, ErrInvalidJob)
    return { kind: 'codec', message: `${isJsons ? '' : 'result cannot be encoded: '}${messageOf(error)}` }
  }
}

async function performTyped(job: ClaimedJob, kind: Kind, signal: AbortSignal): Promise<HandlerResult> {
  try {
    const value = await throughMiddleware(kind.middleware ?? [], job, () => handle(job, kind, signal))
    const result = await validate(kind.output, value)
    if ('issues' in result) return { kind: 'mismatch', what: 'result', issues: result.issues }
    return returned(result.value)
  } catch (error) {
    if (!isInstance(error, PayloadMismatchError)) return threw(error, signal)
    return { kind: 'mismatch', what: 'payload', issues: error.issues }
  }
}

async function handle(job: ClaimedJob, kind: Kind, signal: AbortSignal): Promise<unknown> {
  const payload = await validate(kind.input, job.payload)
  if ('issues' in payload) throw new PayloadMismatchError(payload.issues)
  return kind.handler({ ...job, payload: payload.value }, signal)
}

/** What `next()` of a middleware rejects with: an ErrInvalidJob by name and code. */
class PayloadMismatchError extends ErrInvalidJob {
  readonly issues: string
  constructor(issues: string) {
    super(`payload doesn't fit the schema: ${issues}`)
    this.issues = issues
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
