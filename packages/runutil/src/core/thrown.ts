import { inspect } from 'node:util'
import { describe, shortened } from './describe.ts'
import { LONGEST_TEXT } from './text.ts'

/** As `instanceof`, but false for a Proxy that was revoked or throws. */
export function isInstance<T>(value: unknown, type: abstract new (...args: never[]) => T): value is T {
  try {
    return value instanceof type
  } catch {
    return false
  }
}

/** The `code` of an error, if that is a string. Never throws. */
export function codeOf(error: unknown): string | undefined {
  try {
    const code: unknown = (error as { code?: unknown } | undefined)?.code
    return typeof code === 'string' ? code : undefined
  } catch {
    return undefined
  }
}

/** An Error as it is; anything else wrapped, the value kept as `cause`. */
export function toError(thrown: unknown): Error {
  if (isInstance(thrown, Error)) return thrown
  return new Error(`a non-Error was thrown: ${describe(thrown)}`, { cause: thrown })
}

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
