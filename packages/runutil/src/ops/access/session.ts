import { createHmac, timingSafeEqual } from 'node:crypto'
import { authorityOf, isLoopbackHost } from './authority.ts'
import type { Role } from './caller.ts'
import { type Tokens, roleOf } from './tokens.ts'

/** How long a session lasts: 12 h. */
export const SESSION_MS = 12 * 60 * 60_000

/** The session of whoever has shown a token. */
export interface Session {
  readonly role: Role
  readonly until: Date
  /** The value of the header set-cookie. */
  readonly cookie: string
}

/**
 * A session: a cookie that any replica with the same token takes, since it is signed with it.
 *
 * @param host the header Host; on any but a loopback host the cookie is for HTTPS only
 * @param now ms since the epoch
 */
export function newSession(token: string, tokens: Tokens, host: string | undefined, now: number): Session {
  const until = Math.trunc(now) + SESSION_MS
  const cookie = cookieOf(cookieName(token), `${until}.${signature(token, until)}`, SESSION_MS / 1_000, host)
  return { role: roleOf(token, tokens), until: new Date(until), cookie }
}

/**
 * The values of set-cookie that end the sessions in a Cookie header. Only those that hold: whoever sends none must not learn the names
 * of cookies, by which tokens could be guessed elsewhere.
 */
export function endedSessions(
  header: string | undefined,
  tokens: Tokens,
  host: string | undefined,
  now: number,
): string[] {
  return signersOf(header, tokens, now).map((token) => cookieOf(cookieName(token), '', 0, host))
}

/** What the sessions in a Cookie header allow: nothing if they have ended, or none is there. */
export function sessionRole(header: string | undefined, tokens: Tokens, now: number): Role {
  const roles = signersOf(header, tokens, now).map((token) => roleOf(token, tokens))
  return roles.includes('control') ? 'control' : (roles[0] ?? 'none')
}

/** Whether a Cookie header has what looks like a session, of whatever token. */
export function hasSession(header: string | undefined): boolean {
  return sessionsIn(header).length > 0
}

/** The tokens that have signed sessions which hold. */
function signersOf(header: string | undefined, { control, read }: Tokens, now: number): string[] {
  const sessions = sessionsIn(header)
  if (sessions.length === 0) return []
  const tokens = read === undefined ? control : [...control, read]
  return tokens.filter((token) => {
    const name = cookieName(token)
    return sessions.some((session) => session.name === name && isValid(session.value, token, now))
  })
}

/** Each may be a guess: only the newest are looked at, which browsers send last. */
const MOST_SESSIONS = 8

function sessionsIn(header: string | undefined): { readonly name: string; readonly value: string }[] {
  const found = header?.matchAll(/(?<=^|;\s*)(runutil-[0-9a-f]{8})=([^;\s]*)/g) ?? []
  return Array.from(found, ([, name, value]) => ({ name: name!, value: value! })).slice(-MOST_SESSIONS)
}

/** Cookies belong to a host, whatever the port: the servers of two programs must not end each other's sessions. */
function cookieName(token: string): string {
  return `runutil-${hmac(token, 'runutil session name').toString('hex', 0, 4)}`
}

function cookieOf(name: string, value: string, maxAgeSeconds: number, host: string | undefined): string {
  const authority = host === undefined ? undefined : authorityOf(host)
  const isSecure = authority === undefined || !isLoopbackHost(authority.host)
  const parts = [`${name}=${value}`, 'Path=/', `Max-Age=${maxAgeSeconds}`, 'HttpOnly', 'SameSite=Strict']
  return [...parts, ...(isSecure ? ['Secure'] : [])].join('; ')
}

function isValid(value: string, token: string, now: number): boolean {
  const [, until, signed] = /^(\d{1,15})\.([\w-]{43})$/.exec(value) ?? []
  if (until === undefined || signed === undefined) return false
  const expected = Buffer.from(signature(token, Number(until)))
  return timingSafeEqual(Buffer.from(signed), expected) && Number(until) > now
}

function signature(token: string, until: number): string {
  return hmac(token, `runutil session until ${until}`).toString('base64url')
}

function hmac(token: string, text: string): Buffer {
  return createHmac('sha256', token).update(text).digest()
}
