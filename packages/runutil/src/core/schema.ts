import type { StandardSchemaV1 } from '@standard-schema/spec'
import { unexpected } from './errors.ts'

export type Validated = { readonly value: unknown } | { readonly issues: string }

/**
 * Validates a value by a Standard Schema: the schema's output, or its issues as `url: expected a string; sizes.0: too small`.
 * Without a schema, the value itself.
 *
 * @throws what the schema throws, also while its issues are read
 */
export async function validate(schema: StandardSchemaV1 | undefined, value: unknown): Promise<Validated> {
  if (schema === undefined) return { value }
  const result = await schema['~standard'].validate(value)
  return result.issues === undefined ? { value: result.value } : { issues: textOf(result.issues) }
}

/** @throws InvalidArgumentError */
export function checkSchema(schema: StandardSchemaV1 | undefined, what: string): void {
  if (schema === undefined || typeof schema['~standard']?.validate === 'function') return
  throw unexpected(what, 'a Standard Schema, such as one of zod, valibot or arktype', schema)
}

function textOf(issues: readonly StandardSchemaV1.Issue[]): string {
  const texts = issues.map(({ message, path = [] }) => {
    const keys = path.map((part) => String(typeof part === 'object' ? part.key : part))
    return keys.length === 0 ? message : `${keys.join('.')}: ${message}`
  })
  return texts.join('; ')
}
