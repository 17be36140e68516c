import { isDeepStrictEqual } from 'node:util'
import { InvalidArgumentError, unexpected } from '../core/errors.ts'
import { checkText, nearest } from '../core/options.ts'
import { ACTION_STATUSES } from './action.ts'
import { asJson } from './json.ts'

/** Operators that the value of a field must satisfy, all of them. */
export interface Condition<T> {
  /** Comparisons match only values of the type of the operand; text compares by UTF-16 code units. */
  gt?: T
  gte?: T
  lt?: T
  lte?: T
  /** The value is deeply equal to one of these. */
  in?: readonly T[]
  /** Text that contains this string. For other values in input and output: their JSON contains it. */
  contains?: string
  /** Only text matches. */
  startsWith?: string
  /** Only text matches. */
  endsWith?: string
}

/**
 * The type of a field: a name, which must be text that every store can hold; other text; a status; a time; input or output; or
 * a field inside input or output.
 */
export type FieldKind = 'name' | 'text' | 'status' | 'time' | 'json' | 'nested'
export type Test = (value: unknown) => boolean

const COMPARISONS = ['gt', 'gte', 'lt', 'lte'] as const
const TEXT_OPERATORS = ['contains', 'startsWith', 'endsWith'] as const
const OPERATORS = [...COMPARISONS, 'in', ...TEXT_OPERATORS] as const
const OF_TIMES = [...COMPARISONS, 'in'] as const
type Operator = (typeof OPERATORS)[number]
type Comparison = (typeof COMPARISONS)[number]

/**
 * Tests whether a value satisfies a query: it is deeply equal, or satisfies an object of operators. For input and output, a plain
 * object without operators is a value; to search for a value that looks like operators, use `{ in: [value] }`.
 *
 * @param what the field name, used as the prefix of error messages
 * @throws InvalidArgumentError for anything else
 */
export function conditionOf(kind: FieldKind, given: unknown, what: string): Test {
  if (!isPlainObject(given) || isValue(kind, given)) {
    const wanted = valueOf(kind, given, what)
    return (value) => isDeepStrictEqual(value, wanted)
  }
  const known: readonly Operator[] = kind === 'time' ? OF_TIMES : OPERATORS
  const keys = Object.keys(given)
  const unknown = keys.find((key) => !isOneOf(known, key))
  if (unknown !== undefined || keys.length === 0) throw unknownOperator(unknown, known, kind, what)
  const tests = keys.map((key) => operation(key as Operator, kind, given[key], `${what}: ${key}`))
  return (value) => tests.every((test) => test(value))
}

/** An object without operators may be a value; inside input and output, unless its keys look like misspelt operators. */
function isValue(kind: FieldKind, given: object): boolean {
  const keys = Object.keys(given)
  if (!isJson(kind) || keys.some((key) => isOneOf(OPERATORS, key))) return false
  return kind === 'json' || !keys.some(isLikeOperator)
}

/** Short keys are too similar to everything. */
function isLikeOperator(key: string): boolean {
  if (key.startsWith('$')) return true
  return key.length > 2 && nearest(key, OPERATORS) !== undefined
}

/** @throws InvalidArgumentError */
function valueOf(kind: FieldKind, given: unknown, what: string): unknown {
  if (given instanceof RegExp) {
    throw unexpected(what, 'a value or operators', given, '; use contains, startsWith or endsWith')
  }
  if (isJson(kind)) return asJson(given, what)
  if (kind === 'time') {
    if (given instanceof Date && Number.isFinite(given.getTime())) return given
    throw unexpected(what, `a valid Date, or { ${OF_TIMES.join(', ')} }`, given)
  }
  if (typeof given !== 'string') throw unexpected(what, `a string, or { ${OPERATORS.join(', ')} }`, given)
  if (kind === 'name') checkText(given, what)
  if (kind === 'status' && !isOneOf(ACTION_STATUSES, given)) throw unknownStatus(given, what)
  return given
}

function operation(operator: Operator, kind: FieldKind, operand: unknown, what: string): Test {
  switch (operator) {
    case 'in':
      return oneOf(kind, operand, what)
    case 'contains':
      return textTest(kind, operand, what, (value, text) => textIn(value)?.includes(text) === true)
    case 'startsWith':
      return textTest(
        kind,
        operand,
        what,
        (value, text) => typeof value === 'string' && value.startsWith(text),
      )
    case 'endsWith':
      return textTest(kind, operand, what, (value, text) => typeof value === 'string' && value.endsWith(text))
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return comparison(operator, kind, operand, what)
    default:
      return operator satisfies never
  }
}

function oneOf(kind: FieldKind, operand: unknown, what: string): Test {
  if (!Array.isArray(operand)) throw unexpected(what, 'an array', operand)
  const wanted = operand.map((one: unknown, at) => valueOf(kind, one, `${what}[${at}]`))
  return (value) => wanted.some((one) => isDeepStrictEqual(value, one))
}

function textTest(
  kind: FieldKind,
  operand: unknown,
  what: string,
  test: (value: unknown, text: string) => boolean,
): Test {
  if (typeof operand !== 'string') throw unexpected(what, 'a string', operand)
  if (kind === 'name') checkText(operand, what)
  return (value) => test(value, operand)
}

/** Undefined for a field without a value. */
function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function comparison(operator: Comparison, kind: FieldKind, operand: unknown, what: string): Test {
  const wanted = operandOf(kind, operand, what)
  return (value) => typeof value === typeof wanted && compares(operator, value as Date, wanted)
}

/** A status may be compared with any text. Times inside input and output are stored as text. */
function operandOf(kind: FieldKind, operand: unknown, what: string): Date {
  const wanted = kind === 'status' ? valueOf('text', operand, what) : valueOf(kind, operand, what)
  if (isJson(kind) && typeof wanted !== 'string' && typeof wanted !== 'number') {
    throw unexpected(what, 'a Date, a string or a number', operand)
  }
  return wanted as Date
}

function compares(operator: Comparison, value: Date, operand: Date): boolean {
  if (operator === 'gt') return value > operand
  if (operator === 'gte') return value >= operand
  return operator === 'lt' ? value < operand : value <= operand
}

function unknownOperator(
  key: string | undefined,
  known: readonly string[],
  kind: FieldKind,
  what: string,
): InvalidArgumentError {
  const all = `known are ${known.join(', ')}`
  if (key === undefined) return new InvalidArgumentError(`${what}: expected operators; got none; ${all}`)
  const near = nearest(key, known)
  const hint = near === undefined ? all : `did you mean '${near}'?`
  const value = isJson(kind) ? ' To search for a value with such keys, write { in: [value] }.' : ''
  return new InvalidArgumentError(`${what}: unknown operator '${key}'; ${hint}${value}`)
}

function unknownStatus(status: string, what: string): InvalidArgumentError {
  const near = nearest(status, ACTION_STATUSES)
  const hint = near === undefined ? '' : `; did you mean '${near}'?`
  return unexpected(what, `one of ${ACTION_STATUSES.join(', ')}`, status, hint)
}

function isJson(kind: FieldKind): boolean {
  return kind === 'json' || kind === 'nested'
}

function isOneOf<T extends string>(known: readonly T[], key: string): key is T {
  return (known as readonly string[]).includes(key)
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
