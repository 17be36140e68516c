/** The most bytes of an error's text that stores keep. */
export const LONGEST_TEXT = 64 * 1024

const UNSTORABLE = /\0|\p{Surrogate}/u
/** The same as JSON escapes. A `\u` whose backslash is itself escaped does not match. */
const UNSTORABLE_IN_JSON = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

/** Whether every store can keep a text unchanged: as a name, or in a column that the store interprets. */
export function isStorable(text: string): boolean {
  return !UNSTORABLE.test(text)
}

/** As `isStorable`, for all strings in a JSON text. */
export function isStorableJson(json: string): boolean {
  return !UNSTORABLE_IN_JSON.test(json)
}

/** Converts a text to one that every store can keep: at most 64 KiB of UTF-8, no NUL, no unpaired surrogate. */
export function storableText(text: string): string {
  const clean = text
    .slice(0, LONGEST_TEXT)
    .replaceAll('\0', '\\0')
    .replaceAll(/\p{Surrogate}/gu, '\ufffd')
  return cutToBytes(clean, LONGEST_TEXT)
}

/** Converts a text to ASCII, which any encoding can represent: other characters are written as \uXXXX. */
export function asciiText(text: string): string {
  return text.replaceAll(/[^\t\n\r -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The longest prefix of a text that has at most `most` bytes in UTF-8. */
export function cutToBytes(text: string, most: number): string {
  if (text.length * 3 <= most) return text
  const bytes = Buffer.from(text.slice(0, most))
  if (bytes.length <= most) return text.slice(0, most)
  let end = most
  // Do not cut within a character: its continuation bytes begin with these bits.
  while (end > 0 && (bytes[end]! & 0b1100_0000) === 0b1000_0000) end--
  return bytes.toString('utf8', 0, end)
}
