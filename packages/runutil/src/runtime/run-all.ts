import { Context, type RunScope, currentName, newScope, withContext } from '../core/context.ts'
import { unexpected } from '../core/errors.ts'
import { forgetHealth } from '../core/health.ts'
import { type Job, type JobFunc, callJob, checkJob } from '../core/job.ts'
import { type Runnable, type Worker, type WorkerFunc, callWorker } from '../core/worker.ts'
import { toWorker } from './declarative.ts'
import { DuplicateNameError } from './errors.ts'
import { Grace } from './grace.ts'
import { Group, type Member } from './group.ts'
import { innerOf, nameOf } from './named.ts'
import { type RunOptions, resolveRunOptions } from './run-options.ts'

/**
 * Runs all workers as one group and settles when all have ended.
 *
 * All start at once; the first to exit, with or without an error, aborts the others. Resolves when `signal` was
 * aborted and every worker returned, or ended by that abort: with the signal's reason or an AbortError, as it is or among
 * its causes; an aggregate when all that it collects are such. With no workers it resolves at once; with an already
 * aborted signal no worker's body starts. Names must differ within the group.
 *
 * @throws WorkerGroupError always, even for one error: root cause first. A worker that returned on its own adds
 *   an ErrWorkerExitedPrematurely, one that outlived `options.grace` a ShutdownTimeoutError.
 * @throws InvalidArgumentError, DuplicateNameError, InvalidDurationError before anything runs
 */
export async function runAllWorkers(
  workers: Iterable<Runnable>,
  signal?: AbortSignal,
  options: RunOptions = {},
): Promise<void> {
  const what = 'runAllWorkers'
  const members = membersOf(workers, what, 'workers')
  await runGroup(what, members, signal, options, { exitStopsAll: true })
}

/**
 * Runs all jobs in parallel, once each. None is cancelled when another fails.
 *
 * @throws WorkerGroupError with the errors of all that failed. With an already aborted signal no job starts, and
 *   the signal's reason is the error of each.
 */
export async function runAllJobs(
  jobs: Iterable<Job | JobFunc>,
  signal?: AbortSignal,
  options: RunOptions = {},
): Promise<void> {
  const what = 'runAllJobs'
  const members = listOf(jobs, what, 'jobs').map((job, at) => {
    checkJob(job, `${what}: jobs[${at}]`)
    return new RunnableMember(job, at, (abort) => callJob(job, abort))
  })
  await runGroup(what, members, signal, options, { exitStopsAll: false })
}

/**
 * Workers, checked and ready to be run as a group.
 *
 * @param what the call, `list` its list: they begin the message of an error
 */
export function membersOf(workers: Iterable<Runnable>, what: string, list: string): Member[] {
  const given = listOf(workers, what, list)
  const members = given.map((runnable, at) => {
    const worker = toWorker(runnable, `${what}: ${list}[${at}]`)
    return new RunnableMember(runnable, at, worker)
  })
  checkNames(given.map(nameOf))
  return members
}

async function runGroup(
  what: string,
  members: Member[],
  signal: AbortSignal | undefined,
  options: RunOptions,
  policy: { exitStopsAll: boolean },
): Promise<void> {
  const { logger, clock, graceMs, during } = resolveRunOptions(what, options, signal)
  const scope = newScope({ logger, clock, graceMs })
  const grace = new Grace(graceMs, scope.clock)
  await during(() => runMembers({ members, signal, scope, grace, ...policy }))
}

export interface MembersRun {
  readonly members: readonly Member[]
  readonly signal: AbortSignal | undefined
  readonly scope: RunScope
  readonly grace: Grace
  readonly exitStopsAll: boolean
}

/** Runs members in a context of their own until all have ended. */
export function runMembers({ scope, ...run }: MembersRun): Promise<void> {
  const name = currentName()
  const start = (member: Member, abort: AbortSignal): Promise<void> =>
    withContext(new Context(scope, name), startMember, member, abort)
  return new Group({ ...run, start, clock: scope.clock }).run().finally(() => forgetHealth(scope))
}

function listOf<T>(items: Iterable<T>, what: string, name: string): T[] {
  const iterable = items as Iterable<T> | null | undefined
  if (typeof iterable === 'object' && typeof iterable?.[Symbol.iterator] === 'function') return [...iterable]
  throw unexpected(what, `an array or other iterable as ${name}`, items, hintFor(items, name))
}

/** The promise of an async function that was meant to give the list. */
function hintFor(items: unknown, name: string): string {
  if (typeof (items as { then?: unknown } | null | undefined)?.then !== 'function') return ''
  // What it rejects with would end the process.
  Promise.resolve(items).catch(() => {})
  const isMethod = name.endsWith('()')
  return isMethod
    ? `; ${name} must not be async: await in the worker itself, or before the class is made`
    : '; await it first'
}

/** @throws DuplicateNameError for a name that comes twice */
export function checkNames(names: Iterable<string | undefined>): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (name === undefined) continue
    if (seen.has(name)) throw new DuplicateNameError(name)
    seen.add(name)
  }
}

function startMember(member: Member, signal: AbortSignal): Promise<void> {
  return member.start(signal)
}

class RunnableMember implements Member {
  readonly #given: object
  readonly #at: number
  readonly #worker: Worker | WorkerFunc
  readonly #path = currentName()

  constructor(given: object, at: number, worker: Worker | WorkerFunc) {
    this.#given = given
    this.#at = at
    this.#worker = worker
  }

  /** Its name; else its function's or class's, or that of what it repeats; else its place in the list. */
  get label(): string {
    return `${this.#path}/${nameOf(this.#given) ?? typeName(innerOf(this.#given)) ?? `#${this.#at}`}`
  }

  start(signal: AbortSignal): Promise<void> {
    return callWorker(this.#worker, signal)
  }
}

function typeName(of: object): string | undefined {
  const name = typeof of === 'function' ? of.name : (of.constructor as { name?: string } | undefined)?.name
  return name === '' || name === 'Object' ? undefined : name
}
