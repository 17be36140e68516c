import { isDeepStrictEqual } from 'node:util'
import { unexpected } from '../core/errors.ts'
import { checkOptions, checkText } from '../core/options.ts'
import type { SearchHint } from './action-ledger.ts'
import { ACTION_FIELDS, type Action } from './action.ts'
import { asJson } from './json.ts'

/** What a field must be: a value, deeply the same (input and output as JSON has them); or all of what an object of these says. */
export interface Condition<T> {
  gt?: T
  gte?: T
  lt?: T
  lte?: T
  /** Of text: it is in it. Of input and output: it is in their JSON. */
  contains?: string
  /** One of these. */
  in?: readonly T[]
}

/** By any fields, all of which must match. */
export type ActionQuery<I = unknown, O = unknown> = {
  [F in keyof Action<I, O>]?: Action<I, O>[F] | Condition<NonNullable<Action<I, O>[F]>> | undefined
}

const OPERATORS = ['gt', 'gte', 'lt', 'lte', 'contains', 'in'] as const
/** Of which no store holds every text. */
const NAMES = new Set<string>(['id', 'operation', 'host', 'target', 'status'] satisfies (keyof Action)[])
type Test = (value: unknown) => boolean

/** Whether an action matches. @throws InvalidArgumentError */
export function matcher(query: ActionQuery): (action: Action) => boolean {
  checkOptions('search', query, ACTION_FIELDS)
  const given = Object.entries(query).filter(([, condition]) => condition !== undefined)
  for (const [field, condition] of given) if (NAMES.has(field)) checkTexts(condition, `search: ${field}`)
  const tests = given.map(([field, condition]) => [field as keyof Action, testOf(field, condition)] as const)
  return (action) => tests.every(([field, test]) => test(action[field]))
}

/** All texts of a condition. @throws InvalidArgumentError */
function checkTexts(condition: unknown, what: string): void {
  if (typeof condition === 'string') checkText(condition, what)
  else if (typeof condition === 'object' && condition !== null && !(condition instanceof Date)) {
    for (const each of Object.values(condition)) checkTexts(each, what)
  }
}

/** What a ledger may narrow the search to. */
export function hintOf({ status, host, target }: ActionQuery): SearchHint {
  return Object.fromEntries(
    Object.entries({ status, host, target }).filter(([, value]) => typeof value === 'string'),
  )
}

function testOf(field: string, given: unknown): Test {
  // As the ledger has them.
  const condition = field === 'input' || field === 'output' ? asJson(given, `search: ${field}`) : given
  if (!isCondition(condition)) return (value) => isDeepStrictEqual(value, condition)
  const tests = Object.entries(condition).map(([operator, operand]) => operation(field, operator, operand))
  return (value) => tests.every((test) => test(value))
}

/** An object of nothing but operators. */
function isCondition(value: unknown): value is Condition<unknown> {
  if (typeof value !== 'object' || value === null || value instanceof Date || Array.isArray(value))
    return false
  const keys = Object.keys(value)
  return keys.length > 0 && keys.every((key) => (OPERATORS as readonly string[]).includes(key))
}

function operation(field: string, operator: string, operand: unknown): Test {
  const what = `search: ${field}: ${operator}`
  if (operator === 'contains') {
    if (typeof operand !== 'string') throw unexpected(what, 'a string', operand)
    return (value) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).includes(operand)
  }
  if (operator === 'in') {
    if (!Array.isArray(operand)) throw unexpected(what, 'an array', operand)
    return (value) => operand.some((one) => isDeepStrictEqual(value, one))
  }
  if (!(operand instanceof Date || typeof operand === 'string' || typeof operand === 'number')) {
    throw unexpected(what, 'a Date, a string or a number', operand)
  }
  return (value) => typeof value === typeof operand && compares(operator, value as Date, operand as Date)
}

function compares(operator: string, value: Date, operand: Date): boolean {
  if (operator === 'gt') return value > operand
  if (operator === 'gte') return value >= operand
  return operator === 'lt' ? value < operand : value <= operand
}
