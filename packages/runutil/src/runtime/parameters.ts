import 'reflect-metadata'
import { injectable } from 'tsyringe'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any class
export type Constructor<T = any> = new (...args: any[]) => T

export interface Parameters {
  /** How many a constructor needs at least: those before the first default. */
  readonly least: number
  /** How many it takes at most; Infinity if unknown. */
  readonly most: number
  /** Their names as the source has them, as far as they can be read. */
  readonly names: readonly string[]
}

/** The parameters of a class's own or inherited constructor: from decorator metadata, else from its source. */
export function parametersOf(type: Constructor): Parameters {
  const own = withConstructor(type)
  const emitted = Reflect.getOwnMetadata(TYPES, own) as unknown[] | undefined
  const source = constructorSource(own)
  const least = own === type || isClassSyntax(own) ? own.length : 0
  if (source === undefined) return { least, most: emitted?.length ?? Infinity, names: [] }
  const names = source
    .split(',')
    .map(parameterName)
    .filter((name) => name !== '')
  // Commas in default values or patterns would be counted too.
  const plain = !/[=[{}(.]/.test(source)
  return { least, most: emitted?.length ?? (plain ? names.length : Infinity), names }
}

/**
 * The first constructor parameter with neither metadata nor a token; tsyringe would silently pass undefined for it if a later
 * parameter has a token or the constructor is inherited.
 *
 * @param strict also if the base class may work without arguments, as those of libraries often do
 */
export function untoldParameter(type: Constructor, strict: boolean): number | undefined {
  const own = withConstructor(type)
  if (Reflect.getOwnMetadata(TYPES, own) !== undefined) return undefined
  const tokens = tokensOf(type)
  if (tokens === undefined) return strict ? untoldOfBase(type, own) : undefined
  if (own !== type && (tokens.length === 0 || !isClassSyntax(own))) return undefined
  return Array.from({ length: own.length }, (_, index) => index).find((index) => tokens[index] === undefined)
}

/** For a class with a constructor of its own and no metadata, tsyringe itself reports it. */
function untoldOfBase(type: Constructor, own: Constructor): number | undefined {
  return (own !== type || takesRest(type)) && takesArguments(own) ? 0 : undefined
}

/** Whether a constructor takes any, or may pass them on to one that does. */
function takesArguments(type: Constructor): boolean {
  const own = withConstructor(type)
  const base = baseOf(own)
  if (!isClassSyntax(own)) return false
  return own.length > 0 || (takesRest(own) && base !== undefined && takesArguments(base))
}

/** As `constructor(...args)`. */
function takesRest(type: Constructor): boolean {
  return type.length === 0 && /^\s*\.\.\./.test(constructorSource(type) ?? '')
}

/**
 * Whether its constructor begins by passing all arguments on, as compilers write one for a class with fields and no constructor:
 * `constructor() { super(...arguments) }` or `constructor(...args) { super(...args) }`.
 */
function passesOn(type: Constructor): boolean {
  const [, rest = 'arguments', passed] = PASSES_ON.exec(outerSource(String(type), 2)) ?? []
  return type.length === 0 && passed === rest
}

const PASSES_ON =
  /[\s;{}]constructor\s*\(\s*(?:\.\.\.\s*([\w$]+)\s*)?\)\s*\{\s*super\(\s*\.\.\.\s*([\w$]+)\s*\)/

/** The tokens declared for the parameters, by position; undefined if there are none. */
function tokensOf(type: Constructor): unknown[] | undefined {
  const declared = Reflect.getOwnMetadata(TOKENS, type) as Record<string, unknown> | undefined
  if (declared === undefined) return undefined
  const tokens: unknown[] = []
  for (const [at, token] of Object.entries(declared)) tokens[Number(at)] = token
  return tokens
}

/** The class itself, or its nearest base class that has a constructor of its own, and doesn't just pass on all arguments. */
export function withConstructor(type: Constructor): Constructor {
  const base = baseOf(type)
  if (base === undefined || type.length > 0) return type
  return constructorSource(type) === undefined || passesOn(type) ? withConstructor(base) : type
}

/**
 * tsyringe looks up tokens on the class only: a subclass without a constructor, to which the tokens of its base class apply,
 * would silently get no arguments.
 */
export function inheritTokens(type: Constructor): void {
  const base = withConstructor(type)
  if (base === type || isTold(type)) return
  const tokens: unknown = Reflect.getOwnMetadata(TOKENS, base)
  if (tokens !== undefined) Reflect.defineMetadata(TOKENS, tokens, type)
  if (tokens !== undefined || Reflect.getMetadata(TYPES, base) !== undefined) injectable()(type)
}

/** The metadata keys with which tsyringe and the compiler store a constructor's parameters. */
export const TOKENS = 'injectionTokens'
export const TYPES = 'design:paramtypes'

function isTold(type: Constructor): boolean {
  return (
    Reflect.getOwnMetadata(TOKENS, type) !== undefined || Reflect.getOwnMetadata(TYPES, type) !== undefined
  )
}

/** False for Node's own and pre-ES2015 constructors, most of which work with any arguments. */
function isClassSyntax(type: Constructor): boolean {
  return /^class\b/.test(String(type))
}

function baseOf(type: Constructor): Constructor | undefined {
  const base: unknown = Object.getPrototypeOf(type)
  return typeof base === 'function' && base !== Function.prototype ? (base as Constructor) : undefined
}

/** The text between the constructor's parentheses; undefined for a class without one. */
function constructorSource(type: Constructor): string | undefined {
  return /[\s;{}]constructor\s*\(([^)]*)/.exec(outerSource(String(type)))?.[1]
}

const INSIDE = /\/\*[^]*?\*\/|\/\/.*|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`/g

/** The source of a class down to that depth of braces, without strings and comments; 1: without what is in its methods. */
function outerSource(source: string, deepest = 1): string {
  let depth = 0
  let outer = ''
  for (const part of source.replaceAll(INSIDE, ' ').split(/(?=[{}])/)) {
    if (part.startsWith('{')) depth++
    else if (part.startsWith('}')) depth--
    if (depth <= deepest) outer += part
  }
  return outer
}

function parameterName(parameter: string): string {
  return parameter.replace(/=[^]*$/, '').trim()
}

/** A parameter as messages show it: `#0 (db)`. */
export function parameterLabel(type: Constructor, at: number): string {
  const name = parametersOf(type).names[at]
  return name === undefined ? `#${at}` : `#${at} (${name})`
}
