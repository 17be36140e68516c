/**
 * JSON for PostgreSQL's functions, which refuse documents with `\\u0000` or half of a surrogate pair, both valid in
 * JavaScript strings. They are escaped as a noncharacter and four hexadecimal digits; so is the noncharacter itself.
 */
const ESCAPE = '\uFDD0'
const REFUSED = /\\u(?:0000|d[89a-f])|\uFDD0/i
/** A backslash is matched with the character that it escapes, so that an escaped backslash escapes nothing. */
const TOKENS = /\\u(0000|d[89a-f][0-9a-f]{2})|\\.|\uFDD0/gi
const WRITTEN = /\uFDD0([0-9a-f]{4})/gi

export function toStorable(value: unknown): string {
  const text = JSON.stringify(value)
  if (!REFUSED.test(text)) return text
  return text.replace(TOKENS, (token, code: string | undefined) => {
    if (code !== undefined) return `${ESCAPE}${code}`
    return token === ESCAPE ? `${ESCAPE}fdd0` : token
  })
}

export function fromStorable<T>(text: string): T {
  return JSON.parse(text.includes(ESCAPE) ? text.replace(WRITTEN, '\\u$1') : text) as T
}
