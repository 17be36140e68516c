/** A task, or an answer to one. */
export interface PayloadMessage {
  readonly kind: 'payload'
  readonly id: number
  readonly context: Buffer
  readonly body: Buffer
  /** Whether this is one part of an answer, and not the last. */
  readonly more: boolean
  /** Whether its sender asks if the stream is still being read. */
  readonly ping: boolean
}

export type Message =
  | PayloadMessage
  | { readonly kind: 'error'; readonly id: number; readonly data: Buffer }
  | { readonly kind: 'control'; readonly data: Buffer }
