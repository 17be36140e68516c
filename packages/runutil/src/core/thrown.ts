import { inspect } from 'node:util'
import { describe, shortened } from './describe.ts'
import { LONGEST_TEXT } from './text.ts'

/** As `instanceof`, but false for a Proxy that is revoked or throws. */
export function isInstance<T>(value: unknown, type: abstract new (...args: never[]) => T): value is T {
  try {
    return value instanceof type
  } catch {
    return false
  }
}

/** The `code` of an error, if it is a string. Never throws. */
export function codeOf(error: unknown): string | undefined {
  try {
    const code: unknown = (error as { code?: unknown } | undefined)?.code
    return typeof code === 'string' ? code : undefined
  } catch {
    return undefined
  }
}

/** Returns an Error unchanged, and wraps any other value in an Error that has it as `cause`. */
export function toError(thrown: unknown): Error {
  if (isInstance(thrown, Error)) return thrown
  return new Error(`a non-Error was thrown: ${describe(thrown)}`, { cause: thrown })
}

const UNREADABLE = 'what was thrown cannot be read'

/**
 * The message of any thrown value: that of an Error; a short description if the value is no Error, or its message no string. At
 * most 64 Ki characters. Never throws, whatever getters and Proxies do.
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

/** As `messageOf`, shortened for use within the message of another error. */
export function reasonOf(thrown: unknown): string {
  return shortened(messageOf(thrown), 2_000)
}

/** As `messageOf`, but a thrown string is returned as it is, and an object that is no Error is shown with its properties. */
export function textOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown.slice(0, LONGEST_TEXT)
  return isInstance(thrown, Error) ? messageOf(thrown) : shown(thrown)
}

/** The name of an error, such as 'TypeError'. Never throws. */
export function nameOf(error: unknown): string {
  try {
    const name: unknown = (error as Error).name
    return typeof name === 'string' && name !== '' ? name.slice(0, 200) : 'Error'
  } catch {
    return 'Error'
  }
}

/** An error's stack, at most 64 Ki characters; undefined if it has none. Never throws. */
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

/** A readable form of a value, with its properties. */
function shown(value: unknown): string {
  try {
    // inspect would print bytes as numbers, and every property of a large object.
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
