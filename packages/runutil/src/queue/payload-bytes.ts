/** Up to so long, nobody counts a payload's bytes. */
const SMALL = 512

/** The length of a payload as JSON, in bytes; undefined of a small one. */
export function bytesOf(payload: string): number | undefined {
  return payload.length > SMALL ? Buffer.byteLength(payload) : undefined
}
