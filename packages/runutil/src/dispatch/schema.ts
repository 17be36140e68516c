import type { StandardSchemaV1 } from '@standard-schema/spec'
import { validate } from '../core/schema.ts'
import { InvalidActionError } from './errors.ts'
import { asJson } from './json.ts'

/**
 * What a schema makes of a value, as JSON has it; without one, of the value.
 *
 * @throws InvalidActionError when it doesn't fit; InvalidArgumentError when what comes out isn't JSON
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
