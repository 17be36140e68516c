import 'reflect-metadata'
import { type InjectionToken, inject as injectParameter } from 'tsyringe'
import { unexpected } from '../core/errors.ts'
import { type Constructor, TOKENS, parametersOf } from './parameters.ts'

/** An injection token: a class, a symbol or a string. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a list of tokens holds tokens of any type
export type Token = InjectionToken<any>

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any class
export type Class = new (...args: any[]) => any

/** One token per parameter of a class's constructor, of the parameter's type. */
export type Inject<C extends Class> = TokensOf<ConstructorParameters<C>>
type TokensOf<P extends readonly unknown[]> = { readonly [At in keyof P]: InjectionToken<P[At]> }

/** @throws InvalidArgumentError unless there is a token for each parameter of the constructor */
export function checkTokens(type: Constructor, tokens: readonly Token[], what: string): void {
  const { least, most, names } = parametersOf(type)
  const isNone = Array.isArray(tokens) && tokens.length === 0 && type.length === 0
  if (!isNone && (!Array.isArray(tokens) || tokens.length < least || tokens.length > most)) {
    const expected = `a token for each constructor parameter of ${type.name} (${names.join(', ')})`
    throw unexpected(what, expected, tokens)
  }
  for (const [at, token] of tokens.entries()) {
    if (isToken(token)) continue
    const parameter = `#${at} (${names[at] ?? '?'}) of ${type.name}`
    const hint = '; with circular imports use delay(() => Type)'
    throw unexpected(what, `a class, symbol or string for parameter ${parameter}`, token, hint)
  }
}

/** A class, a string, a symbol or what `delay` returns. */
function isToken(token: unknown): boolean {
  return ['function', 'string', 'symbol', 'object'].includes(typeof token) && token !== null
}

/** Makes tsyringe inject these tokens, by its metadata of the class. */
export function declareTokens(type: Constructor, tokens: readonly Token[]): void {
  // Also for an empty list, so that the parameters are known.
  Reflect.defineMetadata(TOKENS, {}, type)
  for (const [at, token] of tokens.entries()) {
    injectParameter(token as InjectionToken)(type, undefined, at)
  }
}
