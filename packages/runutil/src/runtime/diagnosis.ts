import type { DependencyContainer } from 'tsyringe'
import { isInstance, reasonOf, stackOf } from '../core/thrown.ts'
import { WorkerResolutionError } from './errors.ts'
import {
  type Constructor,
  TOKENS,
  TYPES,
  parameterLabel,
  untoldParameter,
  withConstructor,
} from './parameters.ts'
import type { Token } from './tokens.ts'

interface Finding {
  type: Constructor
  at: number
  /** What is wrong and what to do about it. */
  problem: string
}

/** Parameter types in metadata that do not identify what to inject. */
const BUILT_IN = new Set<unknown>([String, Number, Boolean, Array, Function, Promise, Symbol, Date, Map, Set])
const BY_DELAY = 'inject it with delay(() => Type) from tsyringe'

/** tsyringe's message grows quadratically with the depth. */
const LONGEST_STACK = 4_000

/** A registration of a token. */
interface Provider {
  useClass?: unknown
  useToken?: unknown
}

/**
 * Explains why a class cannot be resolved: the class, the parameter and what to do. tsyringe's own error
 * is kept as `cause`.
 *
 * @param told the tokens that a container was given for the parameters of classes
 */
export function diagnose(
  container: DependencyContainer,
  type: Function,
  cause: unknown,
  told: ReadonlyMap<Function, readonly Token[]>,
): WorkerResolutionError {
  const worker = `cannot make worker ${type.name}`
  const finding = new Search(container, told).findIn(type as Constructor, undefined)
  const kept = shortCause(cause)
  if (finding === undefined) {
    return new WorkerResolutionError(`${worker}: ${reasonOf(cause)}`, { className: type.name, cause: kept })
  }
  const className = finding.type.name
  const parameter = parameterLabel(finding.type, finding.at)
  const message = `${worker}: parameter ${parameter} of class ${className}: ${finding.problem}`
  return new WorkerResolutionError(message, { className, parameter, cause: kept })
}

function shortCause(cause: unknown): unknown {
  const stack = stackOf(cause)
  if (!isInstance(cause, Error) || stack === undefined || stack.length <= LONGEST_STACK) return cause
  const short = new Error(reasonOf(cause))
  short.stack = `${stack.slice(0, LONGEST_STACK)}…`
  return short
}

/** Searches the parameters of classes, and recursively those of the parameters' classes. */
class Search {
  readonly #container: DependencyContainer
  readonly #told: ReadonlyMap<Function, readonly Token[]>
  /** The classes under construction, from the worker on. */
  readonly #path = new Set<unknown>()
  /** Classes searched without a finding. */
  readonly #sound = new Set<unknown>()

  constructor(container: DependencyContainer, told: ReadonlyMap<Function, readonly Token[]>) {
    this.#container = container
    this.#told = told
  }

  /** The first parameter that cannot be resolved. @param needs the parameter that the class is for; none for a worker */
  findIn(type: Constructor, needs: Finding | undefined): Finding | undefined {
    if (this.#path.has(type) || this.#sound.has(type)) return undefined
    this.#path.add(type)
    const finding = this.#findAmong(this.#tokensOf(type), type, needs)
    this.#path.delete(type)
    if (finding === undefined) this.#sound.add(type)
    return finding
  }

  #findAmong(tokens: readonly unknown[], type: Constructor, needs: Finding | undefined): Finding | undefined {
    const isUntold = !this.#told.has(type) && tokens.length === 0 && type.length > 0
    const untold = isUntold
      ? 0
      : this.#told.has(type)
        ? undefined
        : untoldParameter(type, needs === undefined)
    if (untold !== undefined) return withoutMetadata(type, untold, needs !== undefined)
    for (const [at, token] of tokens.entries()) {
      const finding = isOptional(token) ? undefined : this.#judge({ type, at, problem: '' }, tokenIn(token))
      if (finding !== undefined) return finding
    }
    return undefined
  }

  #judge(parameter: Finding, token: unknown): Finding | undefined {
    if (token !== undefined && this.#container.isRegistered(token as string, true)) {
      const { useClass, useToken } = this.#providerOf(token) ?? {}
      if (useToken !== undefined) return this.#judge(parameter, useToken)
      return typeof useClass === 'function' ? this.#judgeClass(parameter, useClass) : undefined
    }
    const problem = problemOf(token)
    if (problem !== undefined) return { ...parameter, problem }
    return typeof token === 'function' ? this.#judgeClass(parameter, token) : undefined
  }

  #judgeClass(parameter: Finding, type: Function): Finding | undefined {
    if (this.#path.has(type)) {
      const problem = `it needs ${type.name}, which is being made for it: a circular dependency; ${BY_DELAY}`
      return { ...parameter, problem }
    }
    return this.findIn(type as Constructor, parameter)
  }

  #providerOf(token: unknown): Provider | undefined {
    const { getRegistration } = this.#container as { getRegistration?: (token: unknown) => unknown }
    return (getRegistration?.call(this.#container, token) as { provider?: Provider } | undefined)?.provider
  }

  /** The token of each parameter: emitted types, overridden by `inject`. */
  #tokensOf(type: Constructor): unknown[] {
    const told = this.#told.get(type)
    if (told !== undefined) return [...told]
    const own = withConstructor(type)
    const emitted = (Reflect.getOwnMetadata(TYPES, own) as unknown[] | undefined) ?? []
    const declared = Reflect.getOwnMetadata(TOKENS, type) as Record<string, unknown> | undefined
    const tokens = Array.from(emitted)
    for (const [at, token] of Object.entries(declared ?? {})) tokens[Number(at)] = token
    return Array.from(tokens)
  }
}

/** @param isNested whether it is a dependency of a worker, not a worker itself */
function withoutMetadata(type: Constructor, at: number, isNested: boolean): Finding {
  const how = 'name it in @Worker({ inject: […] }) or by @inject(…), or build with emitDecoratorMetadata'
  const problem = isNested
    ? `its type is unknown, and no ${type.name} is registered: ` +
      `call container.register(${type.name}, { useValue: … }); or, if it is to be constructed here, ${how}`
    : `its type is unknown, because there is no decorator metadata; ${how}`
  return { type, at, problem }
}

/** Why an unregistered token cannot be resolved by itself. */
function problemOf(token: unknown): string | undefined {
  if (token === undefined) return `its type is not loaded yet: two files import each other; ${BY_DELAY}`
  if (typeof token === 'string' || typeof token === 'symbol') {
    const name = typeof token === 'string' ? `'${token}'` : token.toString()
    return `nothing is registered under ${name}; call container.register(${name}, …)`
  }
  if (token === Object) {
    return 'its type is an interface, or a class of an `import type`; inject a token or import the class'
  }
  const { name } = token as Function
  return BUILT_IN.has(token) ? `its type is ${name}, so inject a token` : undefined
}

/** `@inject` with options and `@injectAll` keep the token in a descriptor. */
function tokenIn(given: unknown): unknown {
  return typeof given === 'object' && given !== null && 'token' in given ? given.token : given
}

function isOptional(given: unknown): boolean {
  return (
    typeof given === 'object' && given !== null && (given as { isOptional?: unknown }).isOptional === true
  )
}
