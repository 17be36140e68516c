import { createHash, timingSafeEqual } from 'node:crypto'
import { InvalidArgumentError, unexpected } from '../../core/errors.ts'
import type { Role } from './caller.ts'

/** What callers may show. '' is no token. */
export interface Tokens {
  /** Each allows reading and changing. */
  readonly control: readonly string[]
  /** Allows reading; then nobody reads without a token. */
  readonly read: string | undefined
}

/**
 * @param environment the value of RUNUTIL_OPS_TOKEN, for where `token` is undefined
 * @throws InvalidArgumentError
 */
export function resolveTokens(
  given: { token: string | readonly string[] | undefined; readToken: string | undefined },
  environment: string | undefined,
): Tokens {
  const { token = environment ?? '', readToken = '' } = given
  const what = given.token === undefined ? 'RUNUTIL_OPS_TOKEN' : 'token'
  const all: readonly unknown[] = Array.isArray(token) ? token : [token]
  const control = all.map((one) => checkToken(one, what)).filter((one) => one !== '')
  const read = checkToken(readToken, 'readToken')
  if (read !== '' && control.includes(read)) {
    throw new InvalidArgumentError(
      'OpsServer: readToken: expected another than token, which allows changes and, beside any readToken, reading too',
    )
  }
  return { control, read: read === '' ? undefined : read }
}

function checkToken(token: unknown, what: string): string {
  // The message must not show what is nearly a token.
  if (typeof token !== 'string') throw unexpected(`OpsServer: ${what}`, 'a string', typeof token)
  if (/^[\x21-\x7e]*$/.test(token)) return token
  throw new InvalidArgumentError(
    `OpsServer: ${what}: expected printable ASCII without spaces, which a header can carry; got other characters`,
  )
}

/** What whoever shows this may do. Takes as long for each token that is wrong. */
export function roleOf(shown: string, { control, read }: Tokens): Role {
  const mayControl = control.map((token) => isEqual(shown, token)).includes(true)
  const mayRead = read !== undefined && isEqual(shown, read)
  return mayControl ? 'control' : mayRead ? 'read' : 'none'
}

/** Of digests, which have one length. */
function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
