import { describe } from '../core/describe.ts'
import { MOST_JSON } from '../core/json.ts'
import { STORABLE_TEXT } from '../core/options.ts'
import { plainJson } from '../core/plain-json.ts'
import { isStorable } from '../core/text.ts'
import { ErrInvalidJob, ErrJobExists } from './errors.ts'
import type { NewJob } from './job-store.ts'
import type { JobInput } from './job.ts'
import { toJson } from './json.ts'
import { END_OF_TIME } from './outcome.ts'

const LONGEST_ID = 500
const LONGEST_KIND = 200
const LONGEST_KEY = 300

/** What an error calls a field of a job. It is asked for only when there is an error: a list may be long. */
type NameOf = (field: string) => string

/**
 * Jobs as they are stored: id, kind and key trimmed, kind in lower case, payload as JSON. Status, attempts and errors
 * that the caller gives are dropped.
 *
 * @param mostJson so many characters of JSON a payload may have; default 4 MiB
 * @throws ErrInvalidJob, ErrJobExists for an id that comes twice
 */
export function prepareJobs(given: JobInput | readonly JobInput[], mostJson?: number): NewJob[] {
  const isList = Array.isArray(given)
  const inputs = isList ? (given as readonly JobInput[]) : [given as JobInput]
  const kinds = new KindNames()
  const jobs: NewJob[] = []
  for (let at = 0; at < inputs.length; at++) {
    jobs.push(prepareJob(inputs[at]!, isList ? at : undefined, kinds, mostJson))
  }
  checkIds(jobs)
  return jobs
}

/** @param at its place in the list */
function prepareJob(
  input: JobInput,
  at: number | undefined,
  kinds: KindNames,
  mostJson: number | undefined,
): NewJob {
  const name: NameOf = (field) => `${at === undefined ? 'job' : `jobs[${at}]`}${field}`
  if (typeof input !== 'object' || (input as unknown) === null) {
    throw new ErrInvalidJob(
      `${name('')}: expected an object { id, kind, payload?, runAt?, … }; got ${describe(input)}`,
    )
  }
  const { id, kind, runAt, priority, key } = input
  return {
    id: text(id, '.id', name, LONGEST_ID),
    kind: kinds.of(kind, name),
    runAt: moment(runAt, name),
    priority: rank(priority, name),
    key: key === undefined ? undefined : text(key, '.key', name, LONGEST_KEY),
    payload: payloadOf(input, name, mostJson),
  }
}

/** Kinds as they are stored. The last one is remembered: most lists are of one kind. */
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
  const ids = jobs.map(({ id }) => id)
  if (new Set(ids).size === ids.length) return
  const seen = new Set<string>()
  const twice = ids.filter((id) => seen.size === seen.add(id).size)
  throw new ErrJobExists([...new Set(twice)])
}

/** An id as it is stored, trimmed; undefined for what can be no job's. */
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

function moment(value: Date | undefined, name: NameOf): Date | undefined {
  if (value === undefined) return undefined
  // What is over is taken for now, however long ago it was: some databases have no timestamp for it.
  if (value instanceof Date && value.getTime() < END_OF_TIME) return value.getTime() < 0 ? new Date(0) : value
  const got = value instanceof Date ? 'an invalid date, or one after the year 9999' : describe(value)
  throw invalid(name('.runAt'), 'a Date', got)
}

function rank(value: number | undefined, name: NameOf): number {
  if (value === undefined) return 0
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) return value
  throw invalid(name('.priority'), 'a whole number within 32 bits', describe(value))
}

function payloadOf(input: JobInput, name: NameOf, mostJson = MOST_JSON): string {
  // Left out and undefined differ: the one is meant.
  if (!('payload' in input)) return 'null'
  return plainJson(input.payload, mostJson) ?? toJson(input.payload, name('.payload'), mostJson)
}

function invalid(what: string, expected: string, got: string): ErrInvalidJob {
  return new ErrInvalidJob(`${what}: expected ${expected}; got ${got}`)
}
