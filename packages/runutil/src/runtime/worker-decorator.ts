import 'reflect-metadata'
import { injectable } from 'tsyringe'
import { originOf } from '../core/origin.ts'
import { checkName, checkOptions } from '../core/options.ts'
import { addDecorated } from '../core/worker-registry.ts'
import type { Worker as RunnableWorker } from '../core/worker.ts'
import { unexpected } from '../core/errors.ts'
import { type SuperviseOptions, toSuperviseRules } from './supervise.ts'
import { type Class, type Inject, type Token, checkTokens, declareTokens } from './tokens.ts'

/** An object with `run(signal)`; the decorator below shares its name. */
export type Worker = RunnableWorker

/** Options of the decorator `@Worker()`. */
export interface WorkerOptions<I extends readonly Token[] = readonly Token[]> {
  /** Its name in logs and health. Default: the class name, which a minifier changes. */
  name?: string | undefined
  /** The role it belongs to, for `runProvidedWorkers(…, { group })`. */
  group?: string | undefined
  /**
   * The tokens of the constructor's parameters, in their order and of their types, for builds that emit no decorator
   * metadata, such as tsx and esbuild. A subclass without a constructor inherits those of its base class.
   */
  inject?: I | undefined
  /** Supervises what its `workers()` returns as one, as `supervise()` does. Default: they are workers of the run. */
  supervise?: SuperviseOptions | undefined
  /** Classes of the same run: its workers start when theirs are ready, and are stopped before they are. */
  after?: Class | readonly Class[] | undefined
}

/** The result of `@Worker()`: accepts only classes whose constructor fits `inject`. */
export type WorkerDecorator<I extends readonly Token[]> = <C extends Function>(
  target: C & Fitting<C, I>,
  ...context: unknown[]
) => void
type Fitting<C, I> = C extends Class
  ? [I] extends [Inject<C>]
    ? unknown
    : { 'inject does not fit the constructor, which takes': Inject<C> }
  : unknown

/**
 * Marks a class whose `workers()` returns the workers to run, and makes it injectable.
 *
 * Nothing is registered in any container: `runProvidedWorkers` finds the class by itself and resolves it from
 * the container it is given. Without decorators, `provideWorker` does the same.
 *
 * @throws InvalidArgumentError when `inject` doesn't have a token for each parameter of the constructor
 *
 * @example
 * @Worker({ inject: [Api, LOGGER] })
 * class CommitFetcher implements WorkerConfigurer { … }
 */
export function Worker<const I extends readonly Token[] = any>( // eslint-disable-line @typescript-eslint/no-explicit-any -- no tokens, no check
  options: WorkerOptions<I> = {},
): WorkerDecorator<I> {
  const {
    name,
    group,
    inject,
    supervise,
    after = [],
  } = checkOptions(whatOf(options), options, ['name', 'group', 'inject', 'supervise', 'after'])
  if (name !== undefined) checkName(name, '@Worker: name')
  if (group !== undefined) checkName(group, '@Worker: group')
  if (supervise !== undefined) toSuperviseRules(supervise, '@Worker: supervise')
  const classes = classesIn(after)
  const origin = originOf(Worker)
  return (target) => {
    const type = target as unknown as Class
    if (inject !== undefined) {
      checkTokens(type, inject, '@Worker: inject')
      declareTokens(type, inject)
    }
    injectable()(type)
    addDecorated(type, { name: name ?? type.name, group, origin, supervise, after: classes })
  }
}

/** @throws InvalidArgumentError */
function classesIn(after: Class | readonly Class[]): readonly Class[] {
  const classes: readonly unknown[] = Array.isArray(after) ? after : [after]
  for (const type of classes) {
    if (typeof type === 'function') continue
    const hint = '; with circular imports one of the classes is not loaded yet'
    throw unexpected('@Worker: after', 'a worker class, or a list of them', type, hint)
  }
  return classes as readonly Class[]
}

/** `@Worker` without parentheses is called with the class itself. */
function whatOf(options: unknown): string {
  return typeof options === 'function' ? `@Worker (write @Worker() above class ${options.name})` : '@Worker'
}
