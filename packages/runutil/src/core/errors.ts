/** What was expected of an argument, what came and how to mend it. */
export class InvalidArgumentError extends TypeError {
  readonly code = 'ERR_INVALID_ARGUMENT'
  static {
    this.prototype.name = 'InvalidArgumentError'
  }
}

/** A duration that is NaN, negative, infinite or unparsable, or an interval of zero. */
export class InvalidDurationError extends RangeError {
  readonly code = 'ERR_INVALID_DURATION'
  static {
    this.prototype.name = 'InvalidDurationError'
  }
}

/**
 * Whether `error`, anything in its chain of causes or any of its collected errors is a `type`.
 *
 * @example
 * errorIs(groupError, ErrWorkerExitedPrematurely)
 */
export function errorIs(error: unknown, type: abstract new (...args: never[]) => unknown): boolean {
  const seen = new Set<unknown>()
  const open = [error]
  while (open.length > 0) {
    const next = open.pop()
    if (next instanceof type) return true
    if (typeof next !== 'object' || next === null || seen.has(next)) continue
    seen.add(next)
    const { cause, errors } = next as { cause?: unknown; errors?: unknown }
    open.push(cause)
    if (Array.isArray(errors)) open.push(...(errors as unknown[]))
  }
  return false
}

/** An Error as it is; anything else wrapped, the value kept as `cause`. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
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

/** A value as an error message shows it: short, with its kind. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  const keys = Object.keys(value).slice(0, 5).join(', ')
  const type = (value.constructor as { name?: string } | undefined)?.name
  return type && type !== 'Object' ? `an instance of ${type}` : `an object { ${keys} }`
}
