/** Payloads of up to this many bytes aren't counted. */
export const SMALL_PAYLOAD = 512

/** The length of a payload as JSON, in bytes; undefined for a small one. */
export function bytesOf(payload: string): number | undefined {
  return payload.length > SMALL_PAYLOAD ? Buffer.byteLength(payload) : undefined
}
