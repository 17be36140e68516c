/** The content of a task or an answer. An absent part equals an empty one, since the relay can't distinguish them. */
export interface Payload {
  /** What the task or answer is about, such as headers: bytes whose meaning is between caller and worker. */
  context?: Uint8Array | undefined
  /** The bytes to work on, or the result. */
  body?: Uint8Array | undefined
}

/** The payload as received from the relay: `body` is always present, `context` only when it has bytes. */
export function payloadOf(context: Uint8Array, body: Uint8Array): Payload {
  return context.length > 0 ? { context, body } : { body }
}

/** Checks the shape. Other values, such as an ArrayBuffer, have neither part. */
export function isPayload(value: unknown): value is { context?: unknown; body?: unknown } {
  if (typeof value !== 'object' || value === null) return false
  if ('context' in value || 'body' in value) return true
  return Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0
}

/** A worker that answers with this context and no body wants to be replaced, its task run by another. */
export const STOP_REQUEST = '{"stop":true}'
