import { describe, shortened } from '../core/describe.ts'
import { type Duration, toStorableMs } from '../core/duration.ts'
import { MOST_JSON } from '../core/json.ts'
import { STORABLE_TEXT } from '../core/options.ts'
import { plainJson } from '../core/plain-json.ts'
import { isStorable } from '../core/text.ts'
import { messageOf } from '../core/thrown.ts'
import { timeOrderedId } from '../core/time-ordered-id.ts'
import { isWholeNumber, wholeNumberText } from '../core/whole-number.ts'
import { type JobDependencies, refuseCircle, resolveAfter } from './dependencies.ts'
import { ErrInvalidJob, ErrJobExists } from './errors.ts'
import type { NewJob } from './job-store.ts'
import type { AfterInput, JobInput, OnExists, UniqueKey } from './job.ts'
import { checkFields } from './job-fields.ts'
import { inputSchemaOf } from './job-schema.ts'
import { toJson } from './json.ts'
import { END_OF_TIME } from './outcome.ts'
import type { TypedJob } from './typed-payloads.ts'

const LONGEST_ID = 500
const LONGEST_KIND = 200
const LONGEST_KEY = 300

/** The name of a job's field in errors; called only for an error, since a list may be long. */
type NameOf = (field?: string) => string

export interface PreparedJobs {
  readonly jobs: NewJob[]
  /** Those of them whose payload has to fit a schema. */
  readonly typed: readonly TypedJob[]
}

/**
 * Jobs as they are stored: id, kind and key trimmed, kind in lower case, payload as JSON. Fields of a
 * stored or claimed job are dropped.
 *
 * @param mostJson the most characters of JSON in a payload; default 4 MiB
 * @param onExists default 'fail'; an id twice is an error only if the call fails for one that exists
 * @throws ErrInvalidJob, ErrJobExists for a duplicate id
 */
export function prepareJobs(
  given: JobInput | readonly JobInput[],
  onExists: OnExists = 'fail',
  mostJson?: number,
): PreparedJobs {
  const isList = Array.isArray(given)
  const inputs = isList ? (given as readonly JobInput[]) : [given as JobInput]
  const jobs: NewJob[] = []
  const typed: TypedJob[] = []
  // One for all: a list may be long, and nearly none of its jobs is named.
  let place = 0
  const name: NameOf = (field = '') => `${isList ? `jobs[${place}]` : 'job'}${field}`
  const props = { name, kinds: new KindNames(), onExists, mostJson }
  let hasDependents = false
  for (; place < inputs.length; place++) {
    const input = inputs[place]!
    const job = prepareJob(input, props)
    jobs.push(job)
    if (job.after !== undefined) hasDependents = true
    const schema = inputSchemaOf(input, job.kind)
    if (schema !== undefined) typed.push({ job, input: schema, given: input.payload, name: name('.payload') })
  }
  if (onExists === 'fail') checkIds(jobs)
  if (hasDependents) refuseCircle(jobs)
  return { jobs, typed }
}

interface PrepareProps {
  readonly name: NameOf
  readonly kinds: KindNames
  readonly onExists: OnExists
  readonly mostJson: number | undefined
}

function prepareJob(input: JobInput, { name, kinds, onExists, mostJson }: PrepareProps): NewJob {
  if (typeof input !== 'object' || (input as unknown) === null) {
    throw new ErrInvalidJob(
      `${name('')}: expected an object { kind, id?, payload?, runAt?, … }; got ${describe(input)}`,
    )
  }
  checkFields(input, name)
  const { id, kind, runAt, delay, priority, key, unique, after } = input
  const job: NewJob = {
    id: id === undefined ? timeOrderedId() : text(id, '.id', name, LONGEST_ID),
    kind: kinds.of(kind, name),
    runAt: momentOf(runAt, name),
    priority: priority === undefined ? 0 : priorityOf(priority, name),
    key: key === undefined ? undefined : text(key, '.key', name, LONGEST_KEY),
    payload: payloadOf(input, name, mostJson),
  }
  // Nearly no job has one of these: in a long list, leaving them out saves memory.
  if (delay === undefined && unique === undefined && after === undefined) return job
  return {
    ...job,
    delayMs: delay === undefined ? undefined : delayOf(delay, runAt, name),
    unique: unique === undefined ? undefined : uniqueKey(unique, onExists, name),
    after: after === undefined ? undefined : dependenciesOf(after, name),
  }
}

function dependenciesOf(after: AfterInput, name: NameOf): JobDependencies | undefined {
  return resolveAfter(after, name('.after'), (id) => text(id, '.after', name, LONGEST_ID))
}

/** Kinds as they are stored. Caches the last one, since most lists are of one kind. */
class KindNames {
  #last: { readonly given: string; readonly stored: string } | undefined

  of(kind: string, name: NameOf): string {
    if (this.#last === undefined || this.#last.given !== kind) {
      this.#last = { given: kind, stored: storedKind(kind, '.kind', name) }
    }
    return this.#last.stored
  }
}

function checkIds(jobs: readonly NewJob[]): void {
  if (areInOrder(jobs)) return
  const seen = new Set<string>()
  for (const { id } of jobs) seen.add(id)
  if (seen.size === jobs.length) return
  seen.clear()
  const twice = jobs.filter(({ id }) => seen.size === seen.add(id).size)
  throw new ErrJobExists([...new Set(twice.map(({ id }) => id))])
}

/** Whether each id is longer than the one before it, or as long and greater: ids that count up, which then all differ. */
function areInOrder(jobs: readonly NewJob[]): boolean {
  for (let at = 1; at < jobs.length; at++) {
    const before = jobs[at - 1]!.id
    const { id } = jobs[at]!
    if (id.length < before.length || (id.length === before.length && id <= before)) return false
  }
  return true
}

/** An id as it is stored, trimmed; undefined for one that no job can have. */
export function storedId(id: string): string | undefined {
  try {
    return text(id, '', () => 'id', LONGEST_ID)
  } catch {
    return undefined
  }
}

/** A kind as it is stored, trimmed and in lower case. @throws ErrInvalidJob */
export function normaliseKind(kind: string, what: string): string {
  return storedKind(kind, '', () => what)
}

function storedKind(kind: string, field: string, name: NameOf): string {
  return text(typeof kind === 'string' ? kind.toLowerCase() : kind, field, name, LONGEST_KIND)
}

function text(value: string, field: string, name: NameOf, longest: number): string {
  if (typeof value !== 'string') throw invalid(name(field), 'a string', describe(value))
  const trimmed = value.trim()
  if (trimmed === '') throw invalid(name(field), "a string that isn't empty", describe(value))
  if (trimmed.length > longest) {
    const got = `${trimmed.length}: ${describe(trimmed)}`
    throw invalid(name(field), `at most ${longest} characters`, got)
  }
  if (!isStorable(trimmed)) throw invalid(name(field), STORABLE_TEXT, describe(value))
  return trimmed
}

/** @throws ErrInvalidJob */
export function momentOf(value: Date | undefined, name: NameOf): Date | undefined {
  if (value === undefined) return undefined
  // A date in the past counts as now, since some databases can't store very old ones.
  if (value instanceof Date && value.getTime() < END_OF_TIME) return value.getTime() < 0 ? new Date(0) : value
  const got = value instanceof Date ? 'an invalid date, or one after the year 9999' : describe(value)
  throw invalid(name('.runAt'), 'a Date', got)
}

/** @throws ErrInvalidJob, also for a delay beside a `runAt` */
export function delayOf(delay: Duration, runAt: Date | undefined, name: NameOf): number {
  if (runAt !== undefined) throw new ErrInvalidJob(`${name('')}: expected runAt or delay; got both`)
  try {
    return toStorableMs(delay, name('.delay'))
  } catch (error) {
    throw new ErrInvalidJob(messageOf(error))
  }
}

const UNIQUE_FIELDS = ['key', 'until']

function uniqueKey(given: NonNullable<JobInput['unique']>, onExists: OnExists, name: NameOf): UniqueKey {
  const isObject = typeof given === 'object' && (given as unknown) !== null
  const fields = isObject ? given : { key: given as string }
  const unknown = Object.keys(fields).find((field) => !UNIQUE_FIELDS.includes(field))
  if (unknown !== undefined) {
    throw invalid(name('.unique'), 'a key or { key, until? }', `the field '${shortened(unknown)}'`)
  }
  const { key, until = onExists === 'replace' ? 'started' : 'ended' } = fields
  if (until !== 'started' && until !== 'ended') {
    throw invalid(name('.unique.until'), "'started' or 'ended'", describe(until))
  }
  return { key: text(key, isObject ? '.unique.key' : '.unique', name, LONGEST_KEY), until }
}

/** A column of 32 bits. */
const PRIORITY = { min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }

/** @throws ErrInvalidJob */
export function priorityOf(value: number, name: NameOf): number {
  if (isWholeNumber(value, PRIORITY)) return value
  throw invalid(name('.priority'), wholeNumberText(PRIORITY), describe(value))
}

function payloadOf(input: JobInput, name: NameOf, mostJson: number | undefined): string {
  // A missing payload means null; an explicit undefined is an error.
  if (!('payload' in input)) return 'null'
  return payloadJson(input.payload, name, mostJson)
}

/** @throws ErrInvalidJob for a payload that isn't JSON, or too large */
export function payloadJson(payload: unknown, name: NameOf, mostJson = MOST_JSON): string {
  return plainJson(payload, mostJson) ?? toJson(payload, name('.payload'), mostJson)
}

function invalid(what: string, expected: string, got: string): ErrInvalidJob {
  return new ErrInvalidJob(`${what}: expected ${expected}; got ${got}`)
}
