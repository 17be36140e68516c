import type { IncomingHttpHeaders } from 'node:http'
import { isLoopbackPeer } from './authority.ts'
import type { Caller } from './caller.ts'
import { type Tokens, roleOf } from './tokens.ts'
import { hasSession, sessionRole } from './session.ts'

/** Who calls, and how that is known. */
export interface Identity extends Caller {
  /** They have shown something that was checked: a token, a session, or what `authorize` looks at. */
  readonly isKnown: boolean
  /** They have shown a token, or a session, and it is wrong: it may be a guess. */
  readonly isWrong: boolean
  /** What to do if that isn't enough. */
  readonly why: string
}

/** What of a request tells who calls. */
export interface Sender {
  readonly headers: IncomingHttpHeaders
  /** Of the other end of the connection. */
  readonly address: string | undefined
}

const SEND_IT = 'send it as Authorization: Bearer TOKEN'

/** @param now ms since the epoch, for sessions */
export function identify({ headers, address }: Sender, tokens: Tokens, now: number): Identity {
  const from = address ?? 'an unknown address'
  const bearer = /^Bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1]?.trim()
  if (bearer !== undefined) {
    const role = roleOf(bearer, tokens)
    if (role === 'none') return unknown(from, 'expected a token of this server; got another', true)
    return { role, name: `${from} with a token`, isKnown: true, isWrong: false, why: '' }
  }
  const role = sessionRole(headers.cookie, tokens, now)
  if (role !== 'none') return { role, name: `${from} with a session`, isKnown: true, isWrong: false, why: '' }
  const isWrong = hasSession(headers.cookie)
  return { ...withoutToken({ headers, address }, tokens, from), isWrong }
}

function withoutToken({ headers, address }: Sender, tokens: Tokens, from: string): Identity {
  if (tokens.read !== undefined) return unknown(from, `expected a token; got none; ${SEND_IT}`)
  const proxy = proxyHeader(headers)
  if (isLoopbackPeer(address) && proxy === undefined) {
    const why = `expected a token that allows changes; got none; ${SEND_IT}`
    return { role: 'read', name: from, isKnown: false, isWrong: false, why }
  }
  const came =
    proxy === undefined
      ? `got none, from ${from}`
      : `got none, by a proxy, as the header ${proxy} says, so that the caller may be anywhere`
  const set = tokens.control.length === 0 ? 'set the option token or readToken, and ' : ''
  return unknown(from, `expected a token; ${came}; ${set}${SEND_IT}`)
}

function unknown(name: string, why: string, isWrong = false): Identity {
  return { role: 'none', name, isKnown: false, isWrong, why }
}

/** A header that a proxy has added. */
export function proxyHeader(headers: IncomingHttpHeaders): string | undefined {
  return Object.keys(headers).find((name) => /^(x-forwarded-.+|forwarded|via|x-real-ip)$/.test(name))
}
