import type { StandardSchemaV1 } from '@standard-schema/spec'
import { InvalidActionError } from './errors.ts'

/** What a schema makes of a value; without one, the value. @throws InvalidActionError */
export async function validated<T>(
  schema: StandardSchemaV1 | undefined,
  value: unknown,
  what: string,
): Promise<T> {
  if (schema === undefined) return value as T
  const result = await schema['~standard'].validate(value)
  if (result.issues === undefined) return result.value as T
  const texts = result.issues.map(({ message, path = [] }) => {
    const keys = path.map((key) => String(typeof key === 'object' ? key.key : key))
    return keys.length === 0 ? message : `${keys.join('.')}: ${message}`
  })
  throw new InvalidActionError(`${what}: ${texts.join('; ')}`)
}
