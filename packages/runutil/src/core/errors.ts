/** What a message of ours has room for: with its stack, no error has more than 16 KiB of text. */
const LONGEST_MESSAGE = 4_000

/** What was expected of an argument, what came and how to mend it. */
export class InvalidArgumentError extends TypeError {
  readonly code = 'ERR_INVALID_ARGUMENT'
  static {
    this.prototype.name = 'InvalidArgumentError'
  }
  constructor(message = '', options?: ErrorOptions) {
    super(shortened(message, LONGEST_MESSAGE), options)
  }
}

/** A duration that is NaN, negative, infinite or unparsable, or an interval of zero. */
export class InvalidDurationError extends RangeError {
  readonly code = 'ERR_INVALID_DURATION'
  static {
    this.prototype.name = 'InvalidDurationError'
  }
  constructor(message = '', options?: ErrorOptions) {
    super(shortened(message, LONGEST_MESSAGE), options)
  }
}

/** More than that is no chain of causes. Of getters far fewer: one that makes a new cause each time has no end. */
const MOST_CAUSES = 200_000
const MOST_GETTERS = 100

/**
 * Whether `error`, anything in its chain of causes or any of its collected errors is a `type`. Never throws: what can't
 * be read of an error isn't there.
 *
 * @example
 * errorIs(groupError, ErrWorkerExitedPrematurely)
 */
export function errorIs(error: unknown, type: abstract new (...args: never[]) => unknown): boolean {
  const seen = new Set<unknown>()
  const open = [error]
  for (let getters = 0; open.length > 0 && seen.size < MOST_CAUSES && getters < MOST_GETTERS;) {
    const next = open.pop()
    if (isInstance(next, type)) return true
    if (typeof next !== 'object' || next === null || seen.has(next)) continue
    seen.add(next)
    if (!addCauses(next, open)) getters++
  }
  return false
}

/** @returns false when it had to ask a getter, or couldn't read */
function addCauses(error: object, to: unknown[]): boolean {
  const { cause, errors, isPlain } = causesOf(error)
  to.push(cause)
  for (const one of errors) to.push(one)
  return isPlain
}

/** What an error came of, and what it collects. Never throws. `isPlain` is false where a getter was asked, or it can't be read. */
export function causesOf(error: object): { cause?: unknown; errors: readonly unknown[]; isPlain: boolean } {
  try {
    const { cause, errors } = error as { cause?: unknown; errors?: unknown }
    const isPlain = cause === undefined || 'value' in (Object.getOwnPropertyDescriptor(error, 'cause') ?? {})
    return { cause, errors: Array.isArray(errors) ? errors.slice(0, MOST_CAUSES) : [], isPlain }
  } catch {
    return { errors: [], isPlain: false }
  }
}

/** As `instanceof`, also of a Proxy that was revoked or doesn't say. */
export function isInstance<T>(value: unknown, type: abstract new (...args: never[]) => T): value is T {
  try {
    return value instanceof type
  } catch {
    return false
  }
}

/** What an error has as its `code`, if that is a text. Never throws. */
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

/**
 * The error for an argument of the wrong kind.
 *
 * @param what the call and argument; the message begins with it
 * @param mend what to do about it, after a semicolon
 */
export function unexpected(what: string, expected: string, got: unknown, mend = ''): InvalidArgumentError {
  return new InvalidArgumentError(`${what}: expected ${expected}; got ${describe(got)}${mend}`)
}

/** A value as an error message shows it: short, with its kind. Never throws. */
export function describe(value: unknown): string {
  try {
    return described(value)
  } catch {
    return `${typeof value === 'function' ? 'a function' : 'an object'} that cannot be read`
  }
}

function described(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (typeof value === 'bigint' || typeof value === 'symbol') return shortened(String(value))
  if (typeof value === 'function') return `function ${shortened(String(value.name || '(anonymous)'))}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  // Its keys are its places: to list them takes seconds.
  if (ArrayBuffer.isView(value)) return `an instance of ${kindOfView(value)}`
  const type = (value.constructor as { name?: unknown } | undefined)?.name
  if (typeof type === 'string' && type !== '' && type !== 'Object') return `an instance of ${shortened(type)}`
  return `an object { ${firstKeys(value)
    .map((key) => shortened(key))
    .join(', ')} }`
}

function kindOfView(view: ArrayBufferView): string {
  const name: unknown = view.constructor?.name
  return typeof name === 'string' ? shortened(name) : 'ArrayBufferView'
}

function firstKeys(value: object): string[] {
  const keys: string[] = []
  for (const key in value) {
    if (Object.hasOwn(value, key)) keys.push(key)
    if (keys.length === 5) break
  }
  return keys
}

/** The beginning of a text that is too long for a message. */
export function shortened(text: string, most = 80): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
