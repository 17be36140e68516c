import type { StandardSchemaV1 } from '@standard-schema/spec'

/**
 * Under which a job carries the definition that it was made by. Enumerable, so that a copy has it too; the same in all copies of
 * runutil.
 */
export const jobSchema = Symbol.for('runutil.jobDefinition')

/** What a job carries of its definition. */
export interface JobSchema {
  readonly kind: string
  readonly input: StandardSchemaV1 | undefined
}

export function withSchema<J extends object>(job: J, definition: JobSchema): J {
  return { ...job, [jobSchema]: definition }
}

/** The schema for the payload of a job; undefined for a plain job, and for one that was given another kind since. */
export function inputSchemaOf(job: object, kind: string): StandardSchemaV1 | undefined {
  const definition = (job as { readonly [jobSchema]?: JobSchema })[jobSchema]
  if (definition?.input === undefined) return undefined
  return definition.kind.trim().toLowerCase() === kind ? definition.input : undefined
}
