import { InvalidArgumentError, unexpected } from '../../core/errors.ts'
import { nearest } from '../../core/options.ts'
import { wholeNumber } from '../../core/whole-number.ts'
import type { Fields } from './read-model.ts'

export const PAGE_FIELDS = ['limit', 'after'] as const
const BOUNDS = ['gte', 'gt', 'lt', 'lte'] as const

/** The names by which a range of times is asked for: 'createdAt.gte' … */
export function boundsOf(field: string): string[] {
  return BOUNDS.map((bound) => `${field}.${bound}`)
}

/** Leaves out what is empty, as a form sends it. @throws InvalidArgumentError for a name that isn't known */
export function checkFields(fields: Fields, what: string, known: readonly string[]): Fields {
  const given: Record<string, string> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (!known.includes(name)) throw unknownField(name, what, known)
    if (value !== '') given[name] = value
  }
  return given
}

export function unknownField(name: string, what: string, known: readonly string[]): InvalidArgumentError {
  const near = nearest(name, known)
  const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean '${near}'?`
  return new InvalidArgumentError(`${what}: unknown field '${name.slice(0, 80)}'; ${hint}`)
}

/** Of `field.gte` and so on; undefined if none is given. @throws InvalidArgumentError */
export function rangeOf(fields: Fields, field: string, what: string): Record<string, Date> | undefined {
  const given = BOUNDS.filter((bound) => fields[`${field}.${bound}`] !== undefined)
  if (given.length === 0) return undefined
  const ends = given.map((bound): [string, Date] => {
    const name = `${field}.${bound}`
    return [bound, timeOf(fields[name]!, `${what}: ${name}`)]
  })
  return Object.fromEntries(ends)
}

/** @throws InvalidArgumentError */
export function timeOf(text: string, what: string): Date {
  const time = new Date(text)
  if (Number.isFinite(time.getTime())) return time
  throw unexpected(what, "a time such as '2030-01-31T12:00:00Z'", text)
}

/** @throws InvalidArgumentError */
export function limitOf(fields: Fields, what: string, limit: { default: number; max: number }): number {
  const { limit: text } = fields
  if (text === undefined) return limit.default
  const given: unknown = /^\d+$/.test(text) ? Number(text) : text
  return wholeNumber(given, `${what}: limit`, { min: 1, max: limit.max })
}

/** The same for the same fields, in whatever order. */
export function keyOf(fields: Fields): string {
  return JSON.stringify(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)))
}
