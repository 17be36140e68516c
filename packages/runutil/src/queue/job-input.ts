import { describe } from '../core/describe.ts'
import { STORABLE_TEXT } from '../core/options.ts'
import { isStorable } from '../core/text.ts'
import { isWholeNumber, wholeNumberText } from '../core/whole-number.ts'
import { ErrInvalidJob, ErrJobExists } from './errors.ts'
import type { NewJob } from './job-store.ts'
import type { JobInput } from './job.ts'
import { toJson } from './json.ts'
import { END_OF_TIME } from './outcome.ts'

const LONGEST_ID = 500
const LONGEST_KIND = 200
const LONGEST_KEY = 300

/**
 * Jobs as they are stored: id, kind and key trimmed, kind in lower case, payload as JSON. Status, attempts and errors
 * that the caller gives are dropped.
 *
 * @param mostJson so many characters of JSON a payload may have; default 4 MiB
 * @throws ErrInvalidJob, ErrJobExists for an id that comes twice
 */
export function prepareJobs(given: JobInput | readonly JobInput[], mostJson?: number): NewJob[] {
  const inputs = Array.isArray(given) ? (given as readonly JobInput[]) : [given as JobInput]
  const jobs = inputs.map((input, at) =>
    prepareJob(input, Array.isArray(given) ? `jobs[${at}]` : 'job', mostJson),
  )
  checkIds(jobs)
  return jobs
}

function prepareJob(input: JobInput, what: string, mostJson: number | undefined): NewJob {
  if (typeof input !== 'object' || (input as unknown) === null) {
    throw new ErrInvalidJob(
      `${what}: expected an object { id, kind, payload?, runAt?, … }; got ${describe(input)}`,
    )
  }
  const { id, kind, runAt, priority, key } = input
  const job = {
    id: text(id, `${what}.id`, LONGEST_ID),
    kind: normaliseKind(kind, `${what}.kind`),
    runAt: moment(runAt, `${what}.runAt`),
    priority: rank(priority, `${what}.priority`),
    key: key === undefined ? undefined : text(key, `${what}.key`, LONGEST_KEY),
  }
  return { ...job, payload: payloadOf(input, `${what}.payload`, mostJson) }
}

function checkIds(jobs: readonly NewJob[]): void {
  const seen = new Set<string>()
  const twice = jobs.filter(({ id }) => seen.size === seen.add(id).size)
  if (twice.length > 0) throw new ErrJobExists([...new Set(twice.map(({ id }) => id))])
}

/** An id as it is stored, trimmed; undefined for what can be no job's. */
export function storedId(id: string): string | undefined {
  try {
    return text(id, 'id', LONGEST_ID)
  } catch {
    return undefined
  }
}

/** A kind as it is stored, trimmed and in lower case. @throws ErrInvalidJob */
export function normaliseKind(kind: string, what: string): string {
  return text(typeof kind === 'string' ? kind.toLowerCase() : kind, what, LONGEST_KIND)
}

function text(value: string, what: string, longest: number): string {
  if (typeof value !== 'string') throw new ErrInvalidJob(`${what}: expected a string; got ${describe(value)}`)
  const trimmed = value.trim()
  if (trimmed === '')
    throw new ErrInvalidJob(`${what}: expected a string that isn't empty; got ${describe(value)}`)
  if (trimmed.length > longest) {
    const got = `${trimmed.length}: ${describe(trimmed)}`
    throw new ErrInvalidJob(`${what}: expected at most ${longest} characters; got ${got}`)
  }
  if (!isStorable(trimmed)) {
    throw new ErrInvalidJob(`${what}: expected ${STORABLE_TEXT}; got ${describe(value)}`)
  }
  return trimmed
}

function moment(value: Date | undefined, what: string): Date | undefined {
  if (value === undefined) return undefined
  // What is over is taken for now, however long ago it was: some databases have no timestamp for it.
  if (value instanceof Date && value.getTime() < END_OF_TIME) return value.getTime() < 0 ? new Date(0) : value
  const got = value instanceof Date ? 'an invalid date, or one after the year 9999' : describe(value)
  throw new ErrInvalidJob(`${what}: expected a Date; got ${got}`)
}

/** A column of 32 bits. */
const PRIORITY = { min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }

function rank(value: number | undefined, what: string): number {
  if (value === undefined) return 0
  if (isWholeNumber(value, PRIORITY)) return value
  throw new ErrInvalidJob(`${what}: expected ${wholeNumberText(PRIORITY)}; got ${describe(value)}`)
}

function payloadOf(input: JobInput, what: string, mostJson: number | undefined): string {
  // Left out and undefined differ: the one is meant.
  return 'payload' in input ? toJson(input.payload, what, mostJson) : 'null'
}
