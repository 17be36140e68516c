/** The IEEE CRC-32 of `bytes[from … end)`. For short input, faster than a call of `zlib.crc32` and the view that it needs. */
export function crc32(bytes: Uint8Array, from: number, end: number): number {
  let crc = ~0
  for (let at = from; at < end; at++) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]!) & 255]!
  return ~crc >>> 0
}

const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  return crc
})
