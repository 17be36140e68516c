/** Of an error's text, stores keep so many bytes at most. */
export const LONGEST_TEXT = 64 * 1024

const UNSTORABLE = /\0|\p{Surrogate}/u
/** The same as JSON writes it: after no backslash that escapes the backslash. */
const UNSTORABLE_IN_JSON = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

/** Whether every store can keep a text as it is: as a name, or where it looks into what it keeps. */
export function isStorable(text: string): boolean {
  return !UNSTORABLE.test(text)
}

/** The same of all texts in a JSON text. */
export function isStorableJson(json: string): boolean {
  return !UNSTORABLE_IN_JSON.test(json)
}

/** Text that every store can keep: at most 64 KiB in UTF-8, no NUL, no half of a surrogate pair. */
export function storableText(text: string): string {
  const clean = text
    .slice(0, LONGEST_TEXT)
    .replaceAll('\0', '\\0')
    .replaceAll(/\p{Surrogate}/gu, '\ufffd')
  return cutToBytes(clean, LONGEST_TEXT)
}

/** Text that any encoding holds: what isn't ASCII is written as \uXXXX. */
export function asciiText(text: string): string {
  return text.replaceAll(/[^\t\n\r -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The longest beginning of a text that has at most so many bytes in UTF-8. */
export function cutToBytes(text: string, most: number): string {
  if (text.length * 3 <= most) return text
  const bytes = Buffer.from(text.slice(0, most))
  if (bytes.length <= most) return text.slice(0, most)
  let end = most
  // Not within a character: what goes on with one begins with these bits.
  while (end > 0 && (bytes[end]! & 0b1100_0000) === 0b1000_0000) end--
  return bytes.toString('utf8', 0, end)
}
