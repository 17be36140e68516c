import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkOptions } from '../core/options.ts'
import { checkSchema } from '../core/schema.ts'
import { jobSchema } from './job-schema.ts'
import type { JobInput } from './job.ts'
import { type KindOptions, KIND_OPTIONS, resolveKindOptions } from './kind.ts'
import { kindHint } from './option-place.ts'

type Schema = StandardSchemaV1

/** What `defineJob` takes: a kind, its schemas, and how its jobs run. */
export interface JobDefinitionInput<I extends Schema, O extends Schema> extends KindOptions {
  /** 1 to 200 characters, stored in lower case. */
  readonly kind: string
  /** The schema of the payload; the handler receives its output. Default: any payload. */
  readonly input?: I | undefined
  /** The schema of the handler's result; its output is stored. Default: any result. */
  readonly output?: O | undefined
}

/** A kind with its types: pass it to `register`, and what `job()` returns to `enqueue`. */
export interface JobDefinition<In = unknown, Payload = unknown, Returns = unknown, Out = Returns> {
  readonly kind: string
  readonly input: Schema | undefined
  readonly output: Schema | undefined
  readonly options: KindOptions
  /** A job of this kind, whose payload `enqueue` validates. */
  job<const J extends JobOf<In>>(job: J & NoOther<J, JobOf<In>>): J & { readonly kind: string }
  /** For the compiler only: the types of the handler's payload, of what it returns, and of the result that is stored. */
  readonly types?: { readonly payload: Payload; readonly returns: Returns; readonly result: Out } | undefined
}

/** The payload may be left out where the schema, or its absence, allows undefined. */
type JobOf<In> = Omit<JobInput, 'kind' | 'payload'> &
  (undefined extends In ? { readonly payload?: In } : { readonly payload: In })

/** A compile error for fields that a job does not have. */
type NoOther<J, Known> = { readonly [K in Exclude<keyof J, keyof Known>]: never }

/**
 * Gives a kind its types by any Standard Schema: zod, valibot, arktype and others.
 *
 * A payload that fails `input` is refused by `enqueue`; one that is stored nevertheless, perhaps under an older schema, ends as
 * PANIC before the handler is called. So does a result that fails `output`.
 *
 * @throws InvalidArgumentError
 *
 * @example
 * const resize = defineJob({ kind: 'resize', input: z.object({ path: z.string() }) })
 * worker.register(resize, async (job) => shrink(job.payload.path))
 * await worker.enqueue(resize.job({ id: 'a.png', payload: { path: 'a.png' } }))
 */
export function defineJob<I extends Schema = Schema, O extends Schema = Schema>(
  definition: JobDefinitionInput<I, O>,
): JobDefinition<
  StandardSchemaV1.InferInput<I>,
  StandardSchemaV1.InferOutput<I>,
  StandardSchemaV1.InferInput<O>,
  StandardSchemaV1.InferOutput<O>
> {
  const { kind, input, output, ...options } = checkOptions(
    'defineJob',
    definition,
    ['kind', 'input', 'output', ...KIND_OPTIONS],
    kindHint,
  )
  checkSchema(input, 'defineJob: input')
  checkSchema(output, 'defineJob: output')
  resolveKindOptions(options, 'defineJob')
  const own = { kind, input, output, options }
  return Object.freeze({ ...own, job: <J>(job: J) => ({ ...job, kind, [jobSchema]: own }) })
}
