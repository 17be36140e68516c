import 'reflect-metadata'
import { type InjectionToken, inject as injectParameter, injectable } from 'tsyringe'
import { unexpected } from '../core/errors.ts'
import { checkName, checkOptions } from '../core/options.ts'
import type { Worker as RunnableWorker } from '../core/worker.ts'
import { type Constructor, parametersOf } from './parameters.ts'

/** Something with `run(signal)`; the decorator below shares its name. */
export type Worker = RunnableWorker

/** What a dependency is registered under: a class, a symbol or a string. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a list of tokens holds tokens of any type
export type Token = InjectionToken<any>

export interface WorkerOptions {
  /** What logs and health call it. Default: the class name, which a minifier changes. */
  name?: string | undefined
  /** The role it belongs to, for `runProvidedWorkers(…, { group })`. */
  group?: string | undefined
  /** The tokens of the constructor's parameters, for builds that emit no decorator metadata, as tsx and esbuild. */
  inject?: readonly Token[] | undefined
}

const decorated = new Map<Function, WorkerOptions>()

/**
 * Marks a class whose `workers()` returns what should run, and makes it injectable.
 *
 * Nothing is registered in any container: `runProvidedWorkers` finds the class by itself and resolves it from
 * the container it is given.
 *
 * @throws InvalidArgumentError when `inject` doesn't have a token for each parameter of the constructor
 *
 * @example
 * @Worker({ inject: [Api, LOGGER] })
 * class CommitFetcher implements WorkerConfigurer { … }
 */
export function Worker(options: WorkerOptions = {}): ClassDecorator {
  const { name, group, inject } = checkOptions(whatOf(options), options, ['name', 'group', 'inject'])
  if (name !== undefined) checkName(name, '@Worker: name')
  if (group !== undefined) checkName(group, '@Worker: group')
  return (target) => {
    const type = target as unknown as Constructor
    if (inject !== undefined) declareParameters(type, inject)
    injectable()(type)
    decorated.set(type, { name, group, inject })
  }
}

/** The options that a class was decorated with; undefined for one that wasn't. */
export function workerOptionsOf(type: Function): WorkerOptions | undefined {
  return decorated.get(type)
}

/** All decorated classes that the program has loaded. */
export function decoratedWorkers(): Iterable<[Function, WorkerOptions]> {
  return decorated
}

function declareParameters(type: Constructor, tokens: readonly Token[]): void {
  const what = '@Worker: inject'
  const { least, most, names } = parametersOf(type)
  if (!Array.isArray(tokens) || tokens.length < least || tokens.length > most) {
    const expected = `a token for each constructor parameter of ${type.name} (${names.join(', ')})`
    throw unexpected(what, expected, tokens)
  }
  for (const [at, token] of tokens.entries()) {
    if ((token as unknown) === undefined || (token as unknown) === null) {
      const parameter = `#${at} (${names[at] ?? '?'}) of ${type.name}`
      const mend = '; in a circle of imports use delay(() => Type)'
      throw unexpected(what, `a class, symbol or string for parameter ${parameter}`, token, mend)
    }
    injectParameter(token as InjectionToken)(type, undefined, at)
  }
}

/** `@Worker` without parentheses hands over the class itself. */
function whatOf(options: unknown): string {
  return typeof options === 'function' ? `@Worker (write @Worker() above class ${options.name})` : '@Worker'
}
