/** Text is sent as UTF-8. */
export type Bytes = Uint8Array | string

/** A message ready to be sent in one write, in one or two pieces. */
export interface Encoded {
  /** The whole message, or all but a body too large to copy. */
  readonly head: Buffer
  readonly body: Uint8Array | undefined
}

/** Up to this many bytes, a copy is cheaper than writing a second piece. */
const LARGEST_COPY = 8 * 1024

export function lengthOf(bytes: Bytes): number {
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
}

/** Writes `bytes` at `at`, where there must be room for them. */
export function put(into: Buffer, at: number, bytes: Bytes): void {
  if (typeof bytes === 'string') into.write(bytes, at)
  else into.set(bytes, at)
}

/** A message that begins with `headLength` bytes for its caller to write; the body follows in the same piece or in its own. */
export function messageOf(headLength: number, body: Bytes, bodyLength: number): Encoded {
  if (bodyLength > LARGEST_COPY) {
    const head = Buffer.allocUnsafe(headLength)
    return { head, body: typeof body === 'string' ? Buffer.from(body) : body }
  }
  const head = Buffer.allocUnsafe(headLength + bodyLength)
  if (bodyLength > 0) put(head, headLength, body)
  return { head, body: undefined }
}
