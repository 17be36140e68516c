/** Payloads of up to this many bytes aren't counted. */
const SMALL = 512

/** The length of a payload as JSON, in bytes; undefined for a small one. */
export function bytesOf(payload: string): number | undefined {
  return payload.length > SMALL ? Buffer.byteLength(payload) : undefined
}
