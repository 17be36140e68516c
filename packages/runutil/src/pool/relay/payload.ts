/** What a task carries, and an answer. Nothing and no bytes are the same: neither end of a relay can tell them apart. */
export interface Payload {
  context?: Uint8Array | undefined
  body?: Uint8Array | undefined
}

/** As it comes from the relay: `body` is always there, `context` only when it has bytes. */
export function payloadOf(context: Uint8Array, body: Uint8Array): Payload {
  return context.length > 0 ? { context, body } : { body }
}

/** By its shape. What was meant as something else, such as an ArrayBuffer, has neither part. */
export function isPayload(value: unknown): value is { context?: unknown; body?: unknown } {
  if (typeof value !== 'object' || value === null) return false
  if ('context' in value || 'body' in value) return true
  return Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0
}

/** A worker that answers with this context and no body wants to be replaced, its task run by another. */
export const STOP_REQUEST = '{"stop":true}'
