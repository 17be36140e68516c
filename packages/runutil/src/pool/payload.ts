/** What a task carries, and an answer. Nothing and no bytes are the same: neither end of a relay can tell them apart. */
export interface Payload {
  context?: Uint8Array | undefined
  body?: Uint8Array | undefined
}

/** As it comes from the relay: `body` is always there, `context` only when it has bytes. */
export function payloadOf(context: Uint8Array, body: Uint8Array): Payload {
  return context.length > 0 ? { context, body } : { body }
}

/** A worker that answers with this context and no body wants to be replaced, its task run by another (seed 003). */
export const STOP_REQUEST = '{"stop":true}'
