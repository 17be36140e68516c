import { has } from '../core/has.ts'
import { unexpected } from '../core/errors.ts'
import { messageOf } from '../core/thrown.ts'
import type { JobStore } from './job-store.ts'
import type { QueuedJob } from './job.ts'
import { toJson } from './json.ts'

/** The job that a value belongs to; an encryption can bind the value to it. */
export interface CodecJob {
  readonly id: string
  readonly kind: string
}

/**
 * What turns payloads and results into what is stored, and back: for encryption or compression. Both get and give JSON values; each
 * may return a promise. All processes of a queue need the same codec.
 */
export interface JobCodec {
  /** What is stored instead of a payload or a result: any JSON value. */
  encode(value: unknown, job: CodecJob): unknown
  /** The value again. If it throws, `get`, `list` and `result` give what is stored; before a handler, the job ends as PANIC. */
  decode(value: unknown, job: CodecJob): unknown
}

/** How the values of a queue are stored. */
export interface Encoding {
  readonly codec: JobCodec | undefined
  /** The most characters of JSON, before and after. */
  readonly maxJson: number | undefined
}

/** How many jobs are encoded or decoded at once. */
const AT_ONCE = 100

/** @throws InvalidArgumentError */
export function checkCodec(codec: JobCodec | undefined, what: string): JobCodec | undefined {
  if (codec === undefined) return undefined
  if (has(codec, 'encode') && has(codec, 'decode')) return codec
  throw unexpected(`${what}: codec`, 'an object with the functions encode and decode', codec)
}

/** Jobs with their payloads, which are JSON, encoded. @throws what `encode` throws; ErrInvalidJob when it doesn't give JSON */
export async function encodePayloads<J extends CodecJob & { readonly payload: string }>(
  jobs: readonly J[],
  codec: JobCodec,
  maxJson: number | undefined,
): Promise<J[]> {
  const encoded: J[] = []
  const encode = async (job: J): Promise<J> => {
    const value = await codec.encode(JSON.parse(job.payload), about(job))
    return { ...job, payload: toJson(value, 'codec.encode of a payload', maxJson) }
  }
  for (let at = 0; at < jobs.length; at += AT_ONCE) {
    encoded.push(...(await Promise.all(jobs.slice(at, at + AT_ONCE).map(encode))))
  }
  return encoded
}

/**
 * A result as it is stored: encoded, as JSON.
 *
 * @param name what it is in errors
 * @throws ErrInvalidJob when it isn't JSON, or `encode` doesn't give JSON; what `encode` throws
 */
export async function encodeResult(
  value: unknown,
  job: CodecJob,
  { codec, maxJson }: Encoding,
  name: string,
): Promise<string> {
  const text = toJson(value, name, maxJson)
  if (codec === undefined) return text
  return toJson(await codec.encode(JSON.parse(text), about(job)), 'codec.encode of a result', maxJson)
}

/** A job whose payload is decoded, as its handler gets it. @throws an Error that says so when it can't be */
export async function decodePayload<J extends CodecJob & { readonly payload: unknown }>(
  job: J,
  codec: JobCodec,
): Promise<J> {
  try {
    return { ...job, payload: await codec.decode(job.payload, about(job)) }
  } catch (error) {
    throw new Error(`payload cannot be decoded: ${messageOf(error)}`, { cause: error })
  }
}

/** A job with payload and result decoded; what can't be is left as it is stored. */
export async function decodeJob(job: QueuedJob, codec: JobCodec): Promise<QueuedJob> {
  const payload = await decodeOrKeep(job.payload, job, codec)
  if (!('result' in job)) return { ...job, payload }
  return { ...job, payload, result: await decodeOrKeep(job.result, job, codec) }
}

/** As `decodeJob`, in the same order. */
export async function decodeJobs(jobs: readonly QueuedJob[], codec: JobCodec): Promise<QueuedJob[]> {
  const decoded: QueuedJob[] = []
  for (let at = 0; at < jobs.length; at += AT_ONCE) {
    const some = jobs.slice(at, at + AT_ONCE)
    decoded.push(...(await Promise.all(some.map((job) => decodeJob(job, codec)))))
  }
  return decoded
}

export async function decodeOrKeep(stored: unknown, job: CodecJob, codec: JobCodec): Promise<unknown> {
  try {
    return await codec.decode(stored, about(job))
  } catch {
    return stored
  }
}

/** The results of the dependencies of a job that are DONE, by their ids, decoded; what can't be is left as it is stored. */
export async function dependencyResults(
  store: Encoding & Pick<JobStore, 'dependencies'>,
  id: string,
): Promise<Record<string, unknown>> {
  const { codec } = store
  const entries = (await store.dependencies(id)).map(async (job): Promise<[string, unknown]> => {
    const isStored = codec === undefined || job.result === undefined
    return [job.id, isStored ? job.result : await decodeOrKeep(job.result, job, codec)]
  })
  return Object.fromEntries(await Promise.all(entries))
}

function about({ id, kind }: CodecJob): CodecJob {
  return { id, kind }
}
