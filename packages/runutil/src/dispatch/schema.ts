import type { StandardSchemaV1 } from '@standard-schema/spec'
import { validate } from '../core/schema.ts'
import { InvalidActionError } from './errors.ts'
import { asJson } from './json.ts'

/**
 * The output of a schema for a value, as JSON; without a schema, the value as JSON.
 *
 * @throws InvalidActionError when the value doesn't match; InvalidArgumentError when the output isn't JSON
 */
export async function validJson<T>(
  schema: StandardSchemaV1 | undefined,
  value: unknown,
  what: string,
): Promise<T> {
  const result = await validate(schema, value)
  if ('issues' in result) throw new InvalidActionError(`${what} doesn't fit the schema: ${result.issues}`)
  return asJson(result.value as T, what)
}
