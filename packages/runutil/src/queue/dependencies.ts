import { describe } from '../core/describe.ts'
import { ErrInvalidJob } from './errors.ts'
import type { AfterInput, AfterOptions } from './job.ts'

/** Which jobs a job runs after, as it is stored. */
export interface JobDependencies {
  /** Each once. */
  readonly ids: readonly string[]
  readonly on: 'done' | 'end'
}

/** A dependency of a job that has ended as DONE. */
export interface DependencyResult {
  readonly id: string
  readonly kind: string
  /** Undefined if its handler returned nothing. */
  readonly result: unknown
}

/** The error of a job whose dependency has failed. @param root the job that failed first */
export const dependencyFailed = (root: string): string => `dependency ${root} failed`

const MOST_DEPENDENCIES = 1_000

/**
 * @param toId checks an id and trims it
 * @returns undefined for an empty list
 * @throws ErrInvalidJob
 */
export function resolveAfter(
  after: AfterInput,
  name: string,
  toId: (id: string) => string,
): JobDependencies | undefined {
  const isOptions = typeof after === 'object' && after !== null && !Array.isArray(after)
  const { ids, on = 'done', ...others } = (isOptions ? after : { ids: after }) as AfterOptions
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new ErrInvalidJob(`${name}: unknown field '${unknown}'; known are ids, on`)
  if ((on as unknown) !== 'done' && (on as unknown) !== 'end') {
    throw new ErrInvalidJob(`${name}.on: expected 'done' or 'end'; got ${describe(on)}`)
  }
  const given = Array.isArray(ids) ? (ids as readonly string[]) : [ids as string]
  if (given.length > MOST_DEPENDENCIES) {
    throw new ErrInvalidJob(`${name}: expected at most ${MOST_DEPENDENCIES} ids; got ${given.length}`)
  }
  return given.length === 0 ? undefined : { ids: [...new Set(given.map(toId))], on }
}

/** A job that is enqueued, with the jobs of the same call among those it runs after. */
interface Dependent {
  readonly id: string
  readonly after?: JobDependencies | undefined
}

/** @throws ErrInvalidJob that names a circle, when jobs of one call wait for each other */
export function refuseCircle(jobs: readonly Dependent[]): void {
  const circle = findCircle(jobs)
  if (circle !== undefined) throw circleError(circle)
}

/** Ids of jobs that wait for each other: each for the next, the last for itself. */
export function findCircle(jobs: readonly Dependent[]): string[] | undefined {
  const byId = new Map<string, Dependent>()
  // Of two with one id, the first is stored.
  for (const job of jobs) if (!byId.has(job.id)) byId.set(job.id, job)
  const done = new Set<string>()
  for (const { id } of jobs) {
    const circle = circleFrom(id, byId, done)
    if (circle !== undefined) return circle
  }
  return undefined
}

/** @param circle unknown where it comes from jobs that were there already */
export function circleError(circle?: readonly string[]): ErrInvalidJob {
  const named = circle === undefined ? '' : `: ${circle.map(describe).join(' after ')}`
  return new ErrInvalidJob(`jobs wait for each other in a circle${named}`)
}

/** Walks in depth, without recursion, since a chain may be long. @param done jobs that lead to no circle; adds to it */
function circleFrom(
  start: string,
  byId: ReadonlyMap<string, Dependent>,
  done: Set<string>,
): string[] | undefined {
  const path: string[] = []
  const onPath = new Set<string>()
  const open = [start]
  while (open.length > 0) {
    const id = open[open.length - 1]!
    if (done.has(id)) open.pop()
    else if (path[path.length - 1] === id) {
      path.pop()
      onPath.delete(id)
      done.add(id)
      open.pop()
    } else if (onPath.has(id)) return [...path.slice(path.indexOf(id)), id]
    else {
      path.push(id)
      onPath.add(id)
      const next = byId.get(id)!.after?.ids ?? []
      if (next.includes(id)) return [id, id]
      for (const other of next) if (byId.has(other)) open.push(other)
    }
  }
  return undefined
}

/** The error of a call whose jobs run after jobs that don't exist. */
export function unknownDependencies(given: readonly string[]): ErrInvalidJob {
  const ids = [...new Set(given)].sort()
  const named = ids.slice(0, 10).map(describe).join(', ')
  const more = ids.length > 10 ? ` and ${ids.length - 10} more` : ''
  return new ErrInvalidJob(
    `after: expected ids of stored jobs, or of jobs of the same call; there are none with ${named}${more}`,
  )
}
