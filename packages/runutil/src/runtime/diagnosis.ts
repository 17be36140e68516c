import 'reflect-metadata'
import type { DependencyContainer } from 'tsyringe'
import { messageOf } from '../core/text.ts'
import { WorkerResolutionError } from './errors.ts'
import { type Constructor, parameterLabel } from './parameters.ts'

interface Finding {
  type: Constructor
  at: number
  /** What is wrong and how to mend it. */
  problem: string
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
  const reason = messageOf(cause)
  const finding = findProblem(container, type as Constructor, new Set())
  if (finding === undefined) {
    return new WorkerResolutionError(`${worker}: ${reason}`, { className: type.name, cause })
  }
  const className = finding.type.name
  const parameter = parameterLabel(finding.type, finding.at)
  const message = `${worker}: parameter ${parameter} of class ${className}: ${finding.problem}`
  return new WorkerResolutionError(message, { className, parameter, cause })
}

/**
 * The first parameter of a constructor that neither metadata nor a token tells of; tsyringe would quietly pass
 * undefined for it where a later parameter has a token.
 */
export function untoldParameter(type: Constructor): number | undefined {
  if (Reflect.getMetadata('design:paramtypes', type) !== undefined) return undefined
  const tokens = tokensOf(type)
  const at = Array.from({ length: type.length }, (_, index) => index).find(
    (index) => tokens[index] === undefined,
  )
  return tokens.length === 0 ? undefined : at
}

/** The first parameter that can't be had, looking into the parameters' own classes too. */
function findProblem(
  container: DependencyContainer,
  type: Constructor,
  path: Set<unknown>,
): Finding | undefined {
  if (path.has(type)) return undefined
  const tokens = tokensOf(type)
  const untold = tokens.length === 0 && type.length > 0 ? 0 : untoldParameter(type)
  if (untold !== undefined) return withoutMetadata(type, untold)
  for (const [at, token] of tokens.entries()) {
    const finding = judgeToken(container, type, at, token, new Set([...path, type]))
    if (finding !== undefined) return finding
  }
  return undefined
}

function withoutMetadata(type: Constructor, at: number): Finding {
  const problem =
    'its type is unknown, for there is no decorator metadata; ' +
    'name it in @Worker({ inject: […] }) or by @inject(…), or build with emitDecoratorMetadata'
  return { type, at, problem }
}

function judgeToken(
  container: DependencyContainer,
  type: Constructor,
  at: number,
  token: unknown,
  path: Set<unknown>,
): Finding | undefined {
  if (token !== undefined && container.isRegistered(token as string, true)) return undefined
  const problem = problemOf(token, path)
  if (problem !== undefined) return { type, at, problem }
  return typeof token === 'function' ? findProblem(container, token as Constructor, path) : undefined
}

/** What keeps an unregistered token from being resolved, by itself. */
function problemOf(token: unknown, path: Set<unknown>): string | undefined {
  const byDelay = 'inject it by delay(() => Type) from tsyringe'
  if (token === undefined) return `its type was not loaded yet: two files import each other; ${byDelay}`
  if (typeof token === 'string' || typeof token === 'symbol') {
    const name = typeof token === 'string' ? `'${token}'` : token.toString()
    return `nothing is registered under ${name}; call container.register(${name}, …)`
  }
  if (token === Object) {
    return 'its type is an interface, or a class of an `import type`; inject a token or import the class'
  }
  const name = (token as Function).name
  if (BUILT_IN.has(token)) return `its type is ${name}, so inject a token`
  return path.has(token) ? `it needs ${name}, which is being made for it: a circle; ${byDelay}` : undefined
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
