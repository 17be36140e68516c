import 'reflect-metadata'
import type { Logger } from 'pino'
import type { DependencyContainer, InjectionToken } from 'tsyringe'
import {
  Context,
  currentContext,
  currentLogger,
  currentName,
  rootLogger,
  withContext,
} from '../core/context.ts'
import { unexpected } from '../core/errors.ts'
import type { Backoff } from '../core/backoff.ts'
import { has } from '../core/has.ts'
import { log } from '../core/log.ts'
import { checkOptions } from '../core/options.ts'
import { toError } from '../core/thrown.ts'
import type { WorkerEntry } from '../core/worker-registry.ts'
import type { WorkerConfigurer } from '../core/worker.ts'
import { Construction } from './construction.ts'
import { dispose } from './disposal.ts'
import { FatalLine } from './fatal-line.ts'
import {
  DuplicateNameError,
  type Failure,
  ShutdownTimeoutError,
  WorkerGroupError,
  failuresIn,
} from './errors.ts'
import { type GroupPart, checkParts } from './group-run.ts'
import { nestedContext } from './named.ts'
import { typeNameOf } from './names.ts'
import { partsOf } from './provided-parts.ts'
import { checkContainer, workersFor } from './provided.ts'
import { partOf, runGroup } from './run-all.ts'
import { RUNTIME, currentRuntime } from './runtime.ts'
import { RUN_OPTIONS, type ResolvedRun, type RunOptions, resolveRun } from './run-options.ts'

/** Where the container keeps the root logger. Without a registration, injecting it gives the run's. */
export const LOGGER: InjectionToken<Logger> = Symbol.for('runutil.LOGGER')

/** Options of `runProvidedWorkers`. */
export interface RunProvidedOptions extends RunOptions {
  /** Run only the classes of this group: one image can serve several roles. Default: all. */
  group?: string | undefined
}

/**
 * Runs what all worker classes return from `workers()` as one group; see `runAllWorkers` for how it ends.
 *
 * The classes are those decorated with `@Worker()` and those of `provideWorker`, for this container or its parents.
 * Each is constructed once, from `container`. Without any class it resolves at once, with a warning.
 *
 * The classes that the container constructed for them are disposed of after all workers ended, the last first, one after
 * another, by `[Symbol.asyncDispose]()` or `dispose()`: within what is left of `grace`, at least 1 s. One that another run
 * still uses is left to that run. Values and what a factory returned belong to the caller.
 *
 * @throws WorkerResolutionError before any worker starts, if a class cannot be constructed
 * @throws WorkerGroupError
 */
export async function runProvidedWorkers(
  container: DependencyContainer,
  signal?: AbortSignal,
  options: RunProvidedOptions = {},
): Promise<void> {
  const fatal = new FatalLine(options, signal)
  await fatal.during(() => runProvided(container, signal, options, fatal))
}

async function runProvided(
  container: DependencyContainer,
  signal: AbortSignal | undefined,
  options: RunProvidedOptions,
  fatal: FatalLine,
): Promise<void> {
  const what = 'runProvidedWorkers'
  checkContainer(container, what)
  if (!container.isRegistered(LOGGER, true)) container.register(LOGGER, { useFactory: () => rootLogger() })
  if (!container.isRegistered(RUNTIME, true))
    container.register(RUNTIME, { useFactory: () => currentRuntime()! })
  const { group, ...given } = checkOptions(what, options, [...RUN_OPTIONS, 'group'])
  const logger = given.logger ?? container.resolve(LOGGER)
  if (has(logger, 'child')) fatal.logger = logger
  const run = resolveRun(what, { ...given, logger }, signal)
  // Held until all is disposed, so that a second shutdown request during disposal still counts as the second.
  await run.during(async () => {
    const workers = workersFor(container, group)
    if (workers.size === 0) warnOfNone(logger, group)
    else await runWorkers(container, workers, signal, run, fatal)
  })
}

function warnOfNone(logger: Logger, group: string | undefined): void {
  const scope = group === undefined ? '' : ` of group '${group}'`
  log(logger, 'warn', {}, `no worker${scope} found: decorate a class with @Worker() or call provideWorker`)
}

async function runWorkers(
  container: DependencyContainer,
  workers: ReadonlyMap<Function, WorkerEntry>,
  signal: AbortSignal | undefined,
  { scope, grace }: ResolvedRun,
  fatal: FatalLine,
): Promise<void> {
  checkTypes(workers)
  const construction = new Construction(container, workers)
  const run = async (): Promise<void> => {
    const parts = partsOf(workers, (type, name, backoff) => configure(construction, type, name, backoff))
    checkParts(parts)
    await runGroup({ parts, signal, scope, grace, fatal })
  }
  const end = (): Promise<readonly Failure[]> => dispose(() => construction.next(), grace, scope.clock)
  // Objects constructed for the run use, and are injected, the run's logger.
  await withContext(new Context(scope, currentName(), currentContext()?.record), thenDispose, run, end, fatal)
}

/** @throws DuplicateNameError, InvalidArgumentError for a class without a name */
function checkTypes(workers: ReadonlyMap<Function, WorkerEntry>): void {
  const seen = new Map<string, WorkerEntry>()
  for (const [type, entry] of workers) {
    const name = entry.name || typeNameOf(type)
    const other = seen.get(name)
    if (other !== undefined) throw new DuplicateNameError(name, [other.origin.place, entry.origin.place])
    seen.set(name, entry)
  }
}

/** Runs, then disposes of what was constructed, in any case; reports the errors of both. */
async function thenDispose(
  run: () => Promise<void>,
  end: () => Promise<readonly Failure[]>,
  fatal: FatalLine,
): Promise<void> {
  const failed = await run().catch(toError)
  if (failed !== undefined) fatal.log(failed, currentLogger())
  const failures = await end()
  const [first] = failures
  if (first !== undefined) fatal.log(first.error, currentLogger())
  if (failures.length > 0) throw new WorkerGroupError(joined([...failuresOf(failed), ...failures]))
  if (failed !== undefined) throw failed
}

function failuresOf(failed: Error | void): Failure[] {
  if (failed instanceof WorkerGroupError) return failuresIn(failed)
  return failed === undefined ? [] : [{ worker: 'starting', error: failed }]
}

/** Merges the ShutdownTimeoutErrors of workers and disposals into one. */
function joined(failures: readonly Failure[]): Failure[] {
  const late = failures.map(({ error }) => error).filter((error) => error instanceof ShutdownTimeoutError)
  if (late.length < 2) return [...failures]
  const names = late.flatMap(({ workers }) => workers)
  const error = new ShutdownTimeoutError(names, late[0]!.graceMs)
  const others = failures.filter((failure) => !late.includes(failure.error as ShutdownTimeoutError))
  return [...others, { worker: names.join(', '), error }]
}

/** Constructs the class and names what its workers() returns after the class. */
function configure(
  construction: Construction,
  type: Function,
  name: string,
  backoff: Backoff | undefined,
): GroupPart {
  const instance = construction.resolve(type)
  if (!has(instance, 'workers')) {
    throw unexpected(`worker ${type.name}`, 'a class with a method workers()', instance)
  }
  const part = withContext(nestedContext(name), () =>
    partOf((instance as WorkerConfigurer).workers(), `worker ${name}`, 'workers()', backoff),
  )
  return { ...part, name }
}
