import { InvalidArgumentError, unexpected } from '../core/errors.ts'
import { nearest } from '../core/options.ts'
import { type Condition, type FieldKind, conditionOf, isPlainObject } from './action-condition.ts'
import type { SearchHint } from './action-ledger.ts'
import { ACTION_FIELDS, type Action } from './action.ts'

/**
 * Conditions on any fields, all of which must match: a deeply equal value (input and output as JSON), or a Condition. A path
 * such as `'input.url'` or `'output.sizes.0'` names a field inside input or output; it also takes a value or a Condition.
 */
export type ActionQuery<I = unknown, O = unknown> = {
  [F in keyof Action<I, O>]?: Action<I, O>[F] | Condition<NonNullable<Action<I, O>[F]>> | undefined
} & {
  [path: `input.${string}` | `output.${string}`]: unknown
} & {
  /** Matches actions that don't match this query. */
  not?: ActionQuery<I, O> | undefined
  /** Matches actions that match any of these queries. */
  or?: readonly ActionQuery<I, O>[] | undefined
}

const KINDS: Readonly<Record<keyof Action, FieldKind>> = {
  id: 'name',
  operation: 'name',
  host: 'name',
  target: 'name',
  status: 'status',
  error: 'text',
  createdAt: 'time',
  updatedAt: 'time',
  input: 'json',
  output: 'json',
}

export type Matcher = (action: Action) => boolean

/** Whether an action matches. @param what the prefix of error messages @throws InvalidArgumentError */
export function matcher(query: ActionQuery, what = 'search'): Matcher {
  if (!isPlainObject(query)) throw unexpected(what, 'an object such as { status: … }', query)
  const given = Object.entries(query).filter(([, condition]) => condition !== undefined)
  const matchers = given.map(([key, condition]) => matcherOf(key, condition, what))
  return (action) => matchers.every((matches) => matches(action))
}

function matcherOf(key: string, given: unknown, what: string): Matcher {
  if (key === 'not') {
    const matches = matcher(given as ActionQuery, `${what}: not`)
    return (action) => !matches(action)
  }
  if (key === 'or') return anyOf(given, `${what}: or`)
  const [field = '', ...path] = key.split('.')
  if (!isField(field) || path.includes('') || (path.length > 0 && KINDS[field] !== 'json')) {
    throw unknownField(key, what)
  }
  const test = conditionOf(path.length > 0 ? 'nested' : KINDS[field], given, `${what}: ${key}`)
  return (action) => test(valueAt(action[field], path))
}

function anyOf(given: unknown, what: string): Matcher {
  if (!Array.isArray(given) || given.length === 0) {
    throw unexpected(what, 'an array of at least one query', given)
  }
  const matchers = given.map((query: ActionQuery, at) => matcher(query, `${what}[${at}]`))
  return (action) => matchers.some((matches) => matches(action))
}

/** Undefined when the path does not exist. */
function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<string, unknown>)[key]
  }
  return at
}

function unknownField(key: string, what: string): InvalidArgumentError {
  const [field = '', ...path] = key.split('.')
  const known = [...ACTION_FIELDS, 'not', 'or']
  const nested = path.length > 0 && !path.includes('')
  const near = nearest(field, nested ? ['input', 'output'] : known)
  const hint =
    near === undefined
      ? `known are ${known.join(', ')}, and paths into input and output, such as 'input.url'`
      : `did you mean '${[near, ...(nested ? path : [])].join('.')}'?`
  return new InvalidArgumentError(`${what}: unknown field '${key}'; ${hint}`)
}

function isField(key: string): key is keyof Action {
  return Object.hasOwn(KINDS, key)
}

/** What a ledger may narrow the search to. */
export function hintOf({ status, host, target }: ActionQuery): SearchHint {
  return Object.fromEntries(
    Object.entries({ status, host, target }).filter(([, value]) => typeof value === 'string'),
  )
}
