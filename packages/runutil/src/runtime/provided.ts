import type { DependencyContainer } from 'tsyringe'
import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import { originOf } from '../core/origin.ts'
import { checkName, checkOptions } from '../core/options.ts'
import { shared } from '../core/shared.ts'
import { type WorkerEntry, WorkerRegistry, decoratedWorkers, decorationOf } from '../core/worker-registry.ts'
import type { WorkerConfigurer } from '../core/worker.ts'
import { parentOf } from './construction.ts'
import { type Inject, type Token, checkTokens } from './tokens.ts'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a constructor with any parameters
type WorkerClass = new (...args: any[]) => WorkerConfigurer

/** As for `@Worker()`; omitted options are taken from the class's decorator, if it has one. */
export interface ProvideOptions<C extends WorkerClass = WorkerClass> {
  /** Its name in logs and health. Default: the class name, which a minifier changes. */
  name?: string | undefined
  /** The role it belongs to, for `runProvidedWorkers(…, { group })`. */
  group?: string | undefined
  /** The tokens of the constructor's parameters, in their order and of their types, for this container. */
  inject?: Inject<C> | undefined
}

const provided = shared('provided', () => new WeakMap<DependencyContainer, WorkerRegistry>())

/**
 * Adds a class whose `workers()` returns what should run, for this container and its children. It needs no
 * `@Worker()`; one that has it as well still runs once.
 *
 * @throws InvalidArgumentError if `container` is not a tsyringe container, `type` is not a class, or `inject` does not have
 *   a token for each parameter of its constructor
 *
 * @example
 * provideWorker(container, CommitFetcher, { inject: [Api, LOGGER] })
 */
export function provideWorker<C extends WorkerClass>(
  container: DependencyContainer,
  type: C,
  options: ProvideOptions<C> = {},
): void {
  const what = 'provideWorker'
  checkContainer(container, what)
  if (typeof type !== 'function' || (type as Function).prototype === undefined) {
    throw unexpected(what, 'a class with workers()', type)
  }
  const { name, group, inject } = checkOptions(what, options, ['name', 'group', 'inject'])
  if (name !== undefined) checkName(name, `${what}: name`)
  if (group !== undefined) checkName(group, `${what}: group`)
  if (inject !== undefined) checkTokens(type, inject as readonly Token[], `${what}: inject`)
  const decoration = decorationOf(type)
  const registry = provided.get(container) ?? new WorkerRegistry()
  provided.set(container, registry)
  registry.add(type, {
    name: name ?? decoration?.name ?? type.name,
    group: group ?? decoration?.group,
    inject,
    origin: originOf(provideWorker),
    supervise: decoration?.supervise,
    after: decoration?.after,
  })
}

/** The decorated and the provided classes of a group, each once, in the order of registration. */
export function workersFor(
  container: DependencyContainer,
  group: string | undefined,
): Map<Function, WorkerEntry> {
  const entries = new Map(decoratedWorkers())
  for (const ancestor of ancestry(container)) {
    for (const [type, entry] of provided.get(ancestor) ?? []) entries.set(type, entry)
  }
  if (group === undefined) return entries
  return new Map([...entries].filter(([, entry]) => entry.group === group))
}

/** @throws InvalidArgumentError */
export function checkContainer(container: unknown, what: string): asserts container is DependencyContainer {
  if (has(container, 'resolve') && has(container, 'createChildContainer')) return
  throw unexpected(what, 'a tsyringe container', container)
}

/** The outermost container first, `container` last. */
function ancestry(container: DependencyContainer): DependencyContainer[] {
  const parent = parentOf(container)
  return parent === undefined ? [container] : [...ancestry(parent), container]
}
