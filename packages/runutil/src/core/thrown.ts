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
 * The message of any thrown value: that of an Error; a short description if the value is no Error, or its message no string. For an
 * Error without one, as Node gives it to a failed connection, its name and code, and what it collects or was caused by; '' if it
 * has none of these. At most 64 Ki characters. Never throws, whatever getters and Proxies do.
 */
export function messageOf(thrown: unknown): string {
  return messageAt(thrown, 0)
}

function messageAt(thrown: unknown, depth: number): string {
  try {
    if (!isInstance(thrown, Error)) return describe(thrown)
    const message: unknown = thrown.message
    if (message === '') return withoutMessage(thrown, depth)
    return typeof message === 'string' ? message.slice(0, LONGEST_TEXT) : shown(message)
  } catch {
    return UNREADABLE
  }
}

/** As 'AggregateError (ECONNREFUSED): connect ECONNREFUSED ::1:5432; connect ECONNREFUSED 127.0.0.1:5432'. */
function withoutMessage(error: Error, depth: number): string {
  const { cause, errors } = error as { cause?: unknown; errors?: unknown }
  const code = codeOf(error)
  const name = `${nameOf(error)}${code === undefined ? '' : ` (${code})`}`
  const collected: unknown[] = Array.isArray(errors) ? errors.slice(0, MOST_COLLECTED) : []
  const reasons = collected.length > 0 || cause === undefined ? collected : [cause]
  if (reasons.length === 0 && code === undefined && depth === 0) return ''
  if (reasons.length === 0 || depth >= DEEPEST) return `${name} without a message`
  return `${name}: ${reasons.map((one) => shortened(messageAt(one, depth + 1), 400)).join('; ')}`
}

/** How much a message says of what an error collects. */
const MOST_COLLECTED = 4
const DEEPEST = 3

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
