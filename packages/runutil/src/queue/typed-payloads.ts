import type { StandardSchemaV1 } from '@standard-schema/spec'
import { validate } from '../core/schema.ts'
import { messageOf } from '../core/thrown.ts'
import { ErrInvalidJob } from './errors.ts'
import type { NewJob } from './job-store.ts'

/** A job whose definition has a schema for its payload. */
export interface TypedJob {
  readonly job: NewJob
  readonly input: StandardSchemaV1
  /** The payload as it was given, before it became JSON. */
  readonly given: unknown
  /** The name of the payload in errors. */
  readonly name: string
}

/**
 * Validates payloads as their handlers will receive them: after they went through JSON. They are stored as they are, not as
 * the schema's output, which the handler's own validation produces again.
 *
 * @throws ErrInvalidJob
 */
export async function checkPayloads(jobs: readonly TypedJob[]): Promise<void> {
  for (const { job, input, given, name } of jobs) {
    const issues = await issuesOf(input, JSON.parse(job.payload))
    if (issues === undefined) continue
    const hint = hasDate(given) ? '; payload is JSON; use z.coerce.date()' : ''
    throw new ErrInvalidJob(`${name}: doesn't fit the schema of kind '${job.kind}': ${issues}${hint}`)
  }
}

async function issuesOf(input: StandardSchemaV1, payload: unknown): Promise<string | undefined> {
  try {
    const result = await validate(input, payload)
    return 'issues' in result ? result.issues : undefined
  } catch (error) {
    return messageOf(error)
  }
}

/** The payload is JSON, so it isn't circular. */
function hasDate(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof Date || Object.values(value).some(hasDate)
}
