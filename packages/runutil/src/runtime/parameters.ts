import 'reflect-metadata'
import { injectable } from 'tsyringe'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any class
export type Constructor<T = any> = new (...args: any[]) => T

export interface Parameters {
  /** How many a constructor needs at least: those before the first default. */
  readonly least: number
  /** How many it takes at most; Infinity where that can't be told. */
  readonly most: number
  /** Their names as the source has them, as far as they can be read. */
  readonly names: readonly string[]
}

/** What can be told of a class's constructor, or of the one that it inherits: from decorator metadata, else from its source. */
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
 * The first parameter of a constructor that neither metadata nor a token tells of; tsyringe would quietly pass undefined
 * for it, where a later parameter has a token or the constructor is inherited.
 *
 * @param strict also where the base class may have a use for no arguments: one of a library has often
 */
export function untoldParameter(type: Constructor, strict: boolean): number | undefined {
  const own = withConstructor(type)
  if (Reflect.getOwnMetadata(TYPES, own) !== undefined) return undefined
  const tokens = tokensOf(type)
  if (tokens === undefined) return strict ? untoldOfBase(type, own) : undefined
  if (own !== type && (tokens.length === 0 || !isClassSyntax(own))) return undefined
  return Array.from({ length: own.length }, (_, index) => index).find((index) => tokens[index] === undefined)
}

/** Where nothing tells of a constructor of its own, tsyringe says so. */
function untoldOfBase(type: Constructor, own: Constructor): number | undefined {
  return (own !== type || passesOn(type)) && takesArguments(own) ? 0 : undefined
}

/** Whether a constructor takes any, or passes them on to one that does. */
function takesArguments(type: Constructor): boolean {
  const own = withConstructor(type)
  const base = baseOf(own)
  if (!isClassSyntax(own)) return false
  return own.length > 0 || (passesOn(own) && base !== undefined && takesArguments(base))
}

/** As `constructor(...args) { super(...args) }`. */
function passesOn(type: Constructor): boolean {
  return type.length === 0 && /^\s*\.\.\./.test(constructorSource(type) ?? '')
}

/** The tokens that were declared for the parameters, by their places; undefined where none were. */
function tokensOf(type: Constructor): unknown[] | undefined {
  const declared = Reflect.getOwnMetadata(TOKENS, type) as Record<string, unknown> | undefined
  if (declared === undefined) return undefined
  const tokens: unknown[] = []
  for (const [at, token] of Object.entries(declared)) tokens[Number(at)] = token
  return tokens
}

/** The class itself, or the nearest one that it extends that has a constructor of its own. */
export function withConstructor(type: Constructor): Constructor {
  const base = baseOf(type)
  return base === undefined || type.length > 0 || constructorSource(type) !== undefined
    ? type
    : withConstructor(base)
}

/**
 * tsyringe looks for tokens with a class itself only: a subclass without a constructor, to which those of its base class
 * apply, would quietly be given nothing.
 */
export function inheritTokens(type: Constructor): void {
  const base = withConstructor(type)
  if (base === type || isTold(type)) return
  const tokens: unknown = Reflect.getOwnMetadata(TOKENS, base)
  if (tokens !== undefined) Reflect.defineMetadata(TOKENS, tokens, type)
  if (tokens !== undefined || Reflect.getMetadata(TYPES, base) !== undefined) injectable()(type)
}

/** Where tsyringe and the compiler keep with a class what its constructor takes. */
export const TOKENS = 'injectionTokens'
export const TYPES = 'design:paramtypes'

function isTold(type: Constructor): boolean {
  return (
    Reflect.getOwnMetadata(TOKENS, type) !== undefined || Reflect.getOwnMetadata(TYPES, type) !== undefined
  )
}

/** Not of Node's own, or from before there were classes: those mostly take what they are given, if anything. */
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

/** What stands in a class itself, not in its methods, strings and comments. */
function outerSource(source: string): string {
  let depth = 0
  let outer = ''
  for (const part of source.replaceAll(INSIDE, ' ').split(/(?=[{}])/)) {
    if (part.startsWith('{')) depth++
    else if (part.startsWith('}')) depth--
    if (depth <= 1) outer += part
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
