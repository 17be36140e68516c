import { shortened } from './describe.ts'
import { InvalidArgumentError, unexpected } from './errors.ts'
import { isStorable } from './text.ts'

/** For a list that must have all keys of a type: a compile error that names the missing ones. */
type Complete<T, K extends readonly unknown[]> = string extends keyof T
  ? unknown
  : [Exclude<keyof T, K[number]>] extends [never]
    ? unknown
    : { readonly 'lacks the option': Exclude<keyof T, K[number]> }

/**
 * Checks an options object: an unknown key is an error that suggests the nearest known one.
 *
 * @param what the call that takes the options, with which the error begins
 * @param known all keys of the options' type: a missing or an additional one does not compile
 * @param hintFor what to do about an unknown key, where more is known of it than its letters
 */
export function checkOptions<T extends object, const K extends readonly (keyof T & string)[]>(
  what: string,
  options: T,
  known: K & Complete<T, K>,
  hintFor?: (key: string) => string | undefined,
): T {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw unexpected(what, `an options object { ${known.join(', ')} }`, options)
  }
  for (const key of Object.keys(options)) {
    if ((known as readonly string[]).includes(key)) continue
    const hint = hintFor?.(key) ?? nearestHint(key, known)
    throw new InvalidArgumentError(`${what}: unknown option '${shortened(key)}'; ${hint}`)
  }
  return options
}

/** @throws InvalidArgumentError unless `name` is a string that is not blank */
export function checkName(name: unknown, what: string): asserts name is string {
  if (typeof name === 'string' && name.trim() !== '') return
  throw unexpected(what, `a name that isn't empty`, name)
}

/** Describes a text that every store can hold, in error messages. */
export const STORABLE_TEXT = 'text without NUL characters and unpaired surrogates'

/** @throws InvalidArgumentError unless it is a string that every store can hold */
export function checkText(text: unknown, what: string): asserts text is string {
  if (typeof text !== 'string') throw unexpected(what, 'a string', text)
  if (!isStorable(text)) throw unexpected(what, STORABLE_TEXT, text)
}

/** What may have been meant by an unknown key, or all that are known. */
export function nearestHint(key: string, known: readonly string[]): string {
  const near = nearest(key, known)
  return near === undefined ? `known are ${known.join(', ')}` : `did you mean '${near}'?`
}

/** The known key with nearly the same letters. */
export function nearest(key: string, known: readonly string[]): string | undefined {
  const apart = (name: string): number => lettersApart(key.toLowerCase(), name.toLowerCase())
  const [best] = [...known].sort((a, b) => apart(a) - apart(b))
  return best !== undefined && apart(best) <= 2 ? best : undefined
}

/** How many letters are in one word only. Transposed letters do not count. */
function lettersApart(a: string, b: string): number {
  const rest = [...b].reduce((left, letter) => left.replace(letter, ''), a)
  return 2 * rest.length + b.length - a.length
}
