import { inspect } from 'node:util'
import { describe, isInstance, shortened } from './errors.ts'

/** Of an error's text, stores keep so many bytes at most. */
export const LONGEST_TEXT = 64 * 1024

const UNREADABLE = 'what was thrown cannot be read'

/**
 * What an error says, whatever it is: an Error's message; of a message that is no string, and of anything else that
 * was thrown, a short description. At most 64 KiB of characters. Never throws, whatever getters and Proxies do.
 */
export function messageOf(thrown: unknown): string {
  try {
    if (!isInstance(thrown, Error)) return describe(thrown)
    const message: unknown = thrown.message
    return typeof message === 'string' ? message.slice(0, LONGEST_TEXT) : shown(message)
  } catch {
    return UNREADABLE
  }
}

/** As `messageOf`, as far as there is room for it in the message of another error. */
export function reasonOf(thrown: unknown): string {
  return shortened(messageOf(thrown), 2_000)
}

/** As `messageOf`, but a thrown string is what it says, and an object that is no Error is shown with its properties. */
export function textOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown.slice(0, LONGEST_TEXT)
  return isInstance(thrown, Error) ? messageOf(thrown) : shown(thrown)
}

/** What to call an error: its name, such as 'TypeError'. Never throws. */
export function nameOf(error: unknown): string {
  try {
    const name: unknown = (error as Error).name
    return typeof name === 'string' && name !== '' ? name.slice(0, 200) : 'Error'
  } catch {
    return 'Error'
  }
}

/** An error's stack, at most 64 KiB of characters; undefined where it has none. Never throws. */
export function stackOf(error: unknown): string | undefined {
  try {
    const stack: unknown = (error as Error).stack
    return typeof stack === 'string' ? stack.slice(0, LONGEST_TEXT) : undefined
  } catch {
    return undefined
  }
}

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

const SHOWN = {
  depth: 2,
  breakLength: Infinity,
  customInspect: false,
  maxArrayLength: 10,
  maxStringLength: 1_000,
} as const

/** With its properties, for a reader. */
function shown(value: unknown): string {
  try {
    // What it prints of bytes are numbers; of an object with many properties, all.
    if (typeof value !== 'object' || value === null || isLarge(value)) return describe(value)
    return inspect(value, SHOWN).slice(0, 4_096)
  } catch {
    return UNREADABLE
  }
}

function isLarge(value: object): boolean {
  if (ArrayBuffer.isView(value)) return true
  let count = 0
  for (const key in value) if (Object.hasOwn(value, key) && ++count > 50) return true
  return false
}
