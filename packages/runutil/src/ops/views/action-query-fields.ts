import { InvalidArgumentError } from '../../core/errors.ts'
import type { ActionQuery } from '../../dispatch/action-query.ts'
import { PAGE_FIELDS, boundsOf, timeOf, unknownField } from './list-fields.ts'
import type { Fields } from './read-model.ts'

const TEXTS = ['id', 'operation', 'host', 'target', 'status', 'error']
const TIMES = ['createdAt', 'updatedAt']
const TEXT_OPERATORS = ['contains', 'startsWith', 'endsWith']
const OPERATORS = [...TEXT_OPERATORS, 'gte', 'gt', 'lt', 'lte']
const KNOWN = [...TEXTS, ...TIMES.flatMap(boundsOf), 'input.PATH', 'output.PATH', ...PAGE_FIELDS]

/**
 * The query that the fields of an address ask for: `status=failed`, `error.contains=timeout`, `createdAt.gte=2030-01-31`,
 * `input.url=…`, `input.size.gt=5`. What is JSON, such as a number, finds both the text and the value.
 *
 * @throws InvalidArgumentError
 */
export function actionQueryOf(fields: Fields): ActionQuery {
  const query: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value === '' || PAGE_FIELDS.includes(name as 'limit')) continue
    const parts = name.split('.')
    const operator = parts.length > 1 && OPERATORS.includes(parts.at(-1)!) ? parts.pop()! : undefined
    const path = parts.join('.')
    addCondition(query, path, operator, operandOf(name, path, operator, value))
  }
  return query
}

function operandOf(name: string, path: string, operator: string | undefined, value: string): unknown {
  if (TEXTS.includes(path)) return value
  if (TIMES.includes(path) && !TEXT_OPERATORS.includes(operator ?? ''))
    return timeOf(value, `actions: ${name}`)
  if (!/^(?:input|output)(?:\.[^.]+)*$/.test(path)) throw unknownField(name, 'actions', KNOWN)
  if (operator !== undefined) return TEXT_OPERATORS.includes(operator) ? value : numberOr(value)
  return { in: valuesOf(value) }
}

function addCondition(
  query: Record<string, unknown>,
  path: string,
  operator: string | undefined,
  operand: unknown,
): void {
  const before = query[path]
  if (operator === undefined) {
    if (before !== undefined) throw bothKinds(path)
    query[path] = operand
    return
  }
  if (before !== undefined && !isOperators(before)) throw bothKinds(path)
  query[path] = { ...(before as object | undefined), [operator]: operand }
}

function isOperators(condition: unknown): boolean {
  return typeof condition === 'object' && !(condition instanceof Date)
}

function bothKinds(path: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `actions: expected ${path} once, or with operators; got both; leave one out`,
  )
}

function numberOr(text: string): string | number {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}

function valuesOf(text: string): unknown[] {
  try {
    return [text, JSON.parse(text)]
  } catch {
    return [text]
  }
}
