import type { QueryField, RouteAnswer, Schema } from './route.ts'

/** The JSON schemas that routes share. */
export const TEXT: Schema = { type: 'string' }
export const TIME: Schema = { type: 'string', format: 'date-time' }
export const FLAG: Schema = { type: 'boolean' }
export const WHOLE: Schema = { type: 'integer', minimum: 0 }
export const ANY_OBJECT: Schema = { type: 'object' }

export function oneOf(...values: readonly string[]): Schema {
  return { type: 'string', enum: values }
}

export function objectOf(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema {
  return { type: 'object', properties, ...(required.length > 0 && { required }) }
}

/** `{ at, ageMs, NAME: [...] }`, and where the next page begins. */
export function listOf(name: string, about: string): RouteAnswer {
  const properties = {
    at: TIME,
    ageMs: { type: 'number', minimum: 0 },
    [name]: { type: 'array', items: ANY_OBJECT },
    next: TEXT,
  }
  return { about, schema: objectOf(properties, ['at', 'ageMs', name]) }
}

export function field(about: string, schema: Schema = TEXT): QueryField {
  return { about, schema }
}

/** `NAME.gte` and so on. */
export function range(name: string, about: string): Record<string, QueryField> {
  const words = { gte: 'at or after', gt: 'after', lte: 'at or before', lt: 'before' }
  const fields = Object.entries(words).map(
    ([end, word]) => [`${name}.${end}`, field(`${about} ${word} that`, TIME)] as const,
  )
  return Object.fromEntries(fields)
}

export const PAGE: Readonly<Record<string, QueryField>> = {
  limit: field('how many at most', { type: 'integer', minimum: 1, maximum: 1_000 }),
  after: field('the `next` of the page before'),
}

/** What was done, or goes on. */
export const DONE: Readonly<Record<number, RouteAnswer>> = {
  200: { about: 'it is done', schema: ANY_OBJECT },
  202: { about: 'it goes on', schema: ANY_OBJECT },
}
