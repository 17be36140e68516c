import 'reflect-metadata'
import type { DependencyContainer } from 'tsyringe'
import { WorkerResolutionError } from '../core/errors.ts'
import { type Constructor, parameterLabel } from './parameters.ts'

interface Finding {
  type: Constructor
  at: number
  problem: string
  mend: string
}

/** Types that metadata has for a parameter when it says nothing of what to inject. */
const BUILT_IN = new Set<unknown>([String, Number, Boolean, Array, Function, Promise, Symbol, Date, Map, Set])

/**
 * Why a class can't be resolved, in words that name the class, the parameter and the mend. tsyringe's own error
 * is kept as `cause`.
 */
export function diagnose(
  container: DependencyContainer,
  type: Function,
  cause: unknown,
): WorkerResolutionError {
  const worker = `cannot make worker ${type.name}`
  const reason = cause instanceof Error ? cause.message : String(cause)
  const finding = findProblem(container, type as Constructor, new Set())
  if (finding === undefined) {
    return new WorkerResolutionError(`${worker}: ${reason}`, { className: type.name, cause })
  }
  const className = finding.type.name
  const parameter = parameterLabel(finding.type, finding.at)
  const message = `${worker}: parameter ${parameter} of class ${className}: ${finding.problem}; ${finding.mend}`
  return new WorkerResolutionError(message, { className, parameter, cause })
}

/** The first parameter that can't be had, looking into the parameters' own classes too. */
function findProblem(
  container: DependencyContainer,
  type: Constructor,
  path: Set<unknown>,
): Finding | undefined {
  if (path.has(type)) return undefined
  const tokens = tokensOf(type)
  if (tokens.length === 0 && type.length > 0) return withoutMetadata(type)
  for (const [at, token] of tokens.entries()) {
    const finding = judgeToken(container, type, at, token, new Set([...path, type]))
    if (finding !== undefined) return finding
  }
  return undefined
}

function withoutMetadata(type: Constructor): Finding {
  const mend = `name its parameters in @Worker({ inject: […] }) or with @inject(…), or build with emitDecoratorMetadata`
  const problem =
    'its type is unknown, since the class has no decorator or the build emits no decorator metadata'
  return { type, at: 0, problem, mend }
}

function judgeToken(
  container: DependencyContainer,
  type: Constructor,
  at: number,
  token: unknown,
  path: Set<unknown>,
): Finding | undefined {
  if (token === undefined) {
    const mend = 'inject it by delay(() => Type) from tsyringe, or move what both need into a third file'
    return { type, at, problem: 'its type was not loaded yet: two files import each other', mend }
  }
  if (isRegistered(container, token)) return undefined
  if (typeof token === 'string' || typeof token === 'symbol') {
    const mend = `call container.register(${nameOf(token)}, …) before runProvidedWorkers`
    return { type, at, problem: `nothing is registered under ${nameOf(token)}`, mend }
  }
  if (token === Object) {
    const problem = 'its type is an interface, or a class that was imported with `import type`'
    return { type, at, problem, mend: 'inject a token for it, or import the class as a value' }
  }
  if (BUILT_IN.has(token)) {
    const problem = `its type is ${(token as Function).name}, which says nothing of what to inject`
    return { type, at, problem, mend: "inject a token for it: @inject('…')" }
  }
  if (path.has(token)) {
    const problem = `it needs ${(token as Function).name}, which is being made for it: a circle`
    return { type, at, problem, mend: 'inject one of them by delay(() => Type) from tsyringe' }
  }
  return typeof token === 'function' ? findProblem(container, token as Constructor, path) : undefined
}

/** What tsyringe will look for, parameter by parameter: emitted types, overridden by `inject`. */
function tokensOf(type: Constructor): unknown[] {
  const emitted = (Reflect.getMetadata('design:paramtypes', type) as unknown[] | undefined) ?? []
  const named = (Reflect.getOwnMetadata('injectionTokens', type) as Record<string, unknown> | undefined) ?? {}
  const tokens = Array.from(emitted)
  for (const [at, token] of Object.entries(named)) tokens[Number(at)] = tokenIn(token)
  return Array.from(tokens)
}

/** `@inject` with options and `@injectAll` keep the token in a descriptor. */
function tokenIn(given: unknown): unknown {
  return typeof given === 'object' && given !== null && 'token' in given ? given.token : given
}

function isRegistered(container: DependencyContainer, token: unknown): boolean {
  return container.isRegistered(token as string, true)
}

function nameOf(token: string | symbol): string {
  return typeof token === 'string' ? `'${token}'` : token.toString()
}
