import 'reflect-metadata'
import type { Logger } from 'pino'
import type { DependencyContainer, InjectionToken } from 'tsyringe'
import { Context, currentName, newScope, rootLogger, withContext } from '../core/context.ts'
import { toError, unexpected } from '../core/errors.ts'
import { WorkerGroupError } from './errors.ts'
import { checkOptions } from '../core/options.ts'
import { type WorkerConfigurer } from '../core/worker.ts'
import { has } from '../core/has.ts'
import { Construction, parentOf } from './construction.ts'
import { diagnose } from './diagnosis.ts'
import type { Member } from './group.ts'
import { NamedWorker, nestedContext } from './named.ts'
import { typeNameOf } from './names.ts'
import { checkNames, membersOf, runGroup } from './run-all.ts'
import { type RunOptions, resolveRunOptions } from './run-options.ts'
import { decoratedWorkers, workerOptionsOf } from './worker-decorator.ts'

/** Where the container keeps the root logger. Without a registration, injecting it gives the run's. */
export const LOGGER: InjectionToken<Logger> = Symbol.for('runutil.LOGGER')

const provided = new WeakMap<DependencyContainer, Set<Function>>()

/**
 * Adds a class whose `workers()` returns what should run, for this container and its children. It needs no
 * `@Worker()`; one that has it as well still runs once.
 *
 * Source: seed 004, ProvideWorker.
 *
 * @throws InvalidArgumentError when `container` isn't a tsyringe container or `type` no class
 */
export function provideWorker(
  container: DependencyContainer,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a constructor with any parameters
  type: new (...args: any[]) => WorkerConfigurer,
): void {
  checkContainer(container, 'provideWorker')
  if (typeof type !== 'function' || (type as Function).prototype === undefined) {
    throw unexpected('provideWorker', 'a class with workers()', type)
  }
  const types = provided.get(container) ?? new Set()
  provided.set(container, types.add(type))
}

export interface RunProvidedOptions extends RunOptions {
  /** Run only the classes of this group: one image can serve several roles. Default: all. */
  group?: string | undefined
}

/**
 * Runs what all worker classes return from `workers()` as one group; see `runAllWorkers` for how it ends.
 *
 * The classes are those decorated with `@Worker()` and those of `provideWorker`, for this container or its parents.
 * Each is made once, from `container`; what had to be made for them is disposed after all workers ended, the last
 * first, one after another, by `[Symbol.asyncDispose]()` or `dispose()`. No class: resolves at once, with a warning.
 *
 * @throws WorkerResolutionError before any worker starts, when a class can't be made
 * @throws WorkerGroupError
 *
 * Source: seed 004, RunProvidedWorkers.
 */
export async function runProvidedWorkers(
  container: DependencyContainer,
  signal?: AbortSignal,
  options: RunProvidedOptions = {},
): Promise<void> {
  const what = 'runProvidedWorkers'
  checkContainer(container, what)
  if (!container.isRegistered(LOGGER, true)) container.register(LOGGER, { useFactory: () => rootLogger() })
  const { group, ...given } = checkOptions(what, options, ['logger', 'clock', 'grace', 'group'])
  const logger = given.logger ?? container.resolve(LOGGER)
  // Held until all is disposed: a second request to stop, in the middle of it, is one still.
  await resolveRunOptions(what, { ...given, logger }, signal).during(async () => {
    const types = workerTypes(container, group)
    if (types.size === 0) warnOfNone(logger, group)
    else await runTypes(container, types, signal, { ...given, logger })
  })
}

function warnOfNone(logger: Logger, group: string | undefined): void {
  const scope = group === undefined ? '' : ` of group '${group}'`
  logger.warn(`no worker${scope} found: decorate a class with @Worker() or call provideWorker`)
}

async function runTypes(
  container: DependencyContainer,
  types: ReadonlySet<Function>,
  signal: AbortSignal | undefined,
  options: RunOptions & { logger: Logger },
): Promise<void> {
  checkNames([...types].map(typeNameOf))
  const construction = new Construction(container, types)
  // What is made for the run logs, and is given, the run's logger.
  const context = new Context(newScope({ logger: options.logger, clock: options.clock }), currentName())
  await withContext(context, disposingAfter, construction, async () => {
    const members = [...types].flatMap((type) => configure(container, construction, type))
    await runGroup('runProvidedWorkers', members, signal, options, { exitStopsAll: true })
  })
}

/** Runs, then disposes whatever came of it; the errors of both are told. */
async function disposingAfter(construction: Construction, run: () => Promise<void>): Promise<void> {
  const failed = await run().catch(toError)
  const failures = await construction.dispose()
  if (failures.length > 0) throw new WorkerGroupError([...failuresIn(failed), ...failures])
  if (failed !== undefined) throw failed
}

function failuresIn(failed: Error | void): { worker: string; error: Error }[] {
  if (failed instanceof WorkerGroupError) {
    return failed.errors.map((error, at) => ({ worker: failed.workers[at]!, error }))
  }
  return failed === undefined ? [] : [{ worker: 'starting', error: failed }]
}

/** The decorated and the provided classes, each once, in the order they became known. */
function workerTypes(container: DependencyContainer, group: string | undefined): Set<Function> {
  const types = new Set<Function>()
  for (const [type] of decoratedWorkers()) types.add(type)
  for (const ancestor of ancestry(container)) {
    for (const type of provided.get(ancestor) ?? []) types.add(type)
  }
  if (group === undefined) return types
  return new Set([...types].filter((type) => workerOptionsOf(type)?.group === group))
}

/** The outermost container first, `container` last. */
function ancestry(container: DependencyContainer): DependencyContainer[] {
  const parent = parentOf(container)
  return parent === undefined ? [container] : [...ancestry(parent), container]
}

/** Makes the class and takes what its workers() returns, each named after the class. */
function configure(container: DependencyContainer, construction: Construction, type: Function): Member[] {
  const instance = resolve(container, construction, type)
  if (!has(instance, 'workers')) {
    throw unexpected(`worker ${type.name}`, 'a class with a method workers()', instance)
  }
  const name = typeNameOf(type)
  const members = withContext(nestedContext(name), () =>
    membersOf((instance as WorkerConfigurer).workers(), `worker ${name}`, 'workers()'),
  )
  return members.map((member) => {
    const named = new NamedWorker((signal) => member.start(signal), name)
    return { label: member.label, start: (signal) => named.run(signal) }
  })
}

function resolve(container: DependencyContainer, construction: Construction, type: Function): unknown {
  try {
    return construction.resolve(type)
  } catch (error) {
    throw diagnose(container, type, error)
  }
}

function checkContainer(container: unknown, what: string): asserts container is DependencyContainer {
  if (has(container, 'resolve') && has(container, 'createChildContainer')) return
  throw unexpected(what, 'a tsyringe container', container)
}
