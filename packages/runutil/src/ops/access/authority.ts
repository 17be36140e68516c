import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** Host and port, as in the headers Host and Origin. */
export interface Authority {
  /** In lower case, without a dot at its end; an IPv6 address in brackets. */
  readonly host: string
  /** '' for none, 80 and 443: what a proxy makes of a default port depends on the side it looks from. */
  readonly port: string
}

/** The header Host, which is ':authority' in HTTP/2. */
export function hostOf(headers: IncomingHttpHeaders): string | undefined {
  const authority = headers[':authority']
  return headers.host ?? (typeof authority === 'string' ? authority : undefined)
}

/** Of a Host header; undefined if it is none. */
export function authorityOf(text: string): Authority | undefined {
  // What a parser of URLs would take for a user, a path or white space around it.
  if (/[\s/?#@\\]/.test(text)) return undefined
  return parsed(`http://${text}`)
}

/** Of an Origin header, whose scheme is ignored; undefined for 'null' and all that is no origin. */
export function authorityOfOrigin(text: string): Authority | undefined {
  const [, rest] = /^https?:\/\/(.+)$/i.exec(text) ?? []
  return rest === undefined ? undefined : authorityOf(rest)
}

function parsed(url: string): Authority | undefined {
  if (!URL.canParse(url)) return undefined
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/\.$/, ''), port: port === '443' ? '' : port }
}

/** Whether a parsed host is an IP address: then no name was looked up that somebody else may have set. */
export function isAddress(host: string): boolean {
  return host.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(host)
}

/** Whether a parsed host means this machine and no other. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$|^\[::ffff:7f[0-9a-f]{2}:/.test(host)
}

/** Whether listening on it is listening to this machine only; '', '0' and '::' are all addresses. */
export function isLoopbackListener(host: string): boolean {
  const authority = authorityOf(host.includes(':') && !host.startsWith('[') ? `[${host}]` : host)
  return authority !== undefined && isLoopbackHost(authority.host)
}

/** Of the other end of the connection. What no real server has made, such as a test or an adapter, may have none. */
export function addressOf({ socket }: IncomingMessage): string | undefined {
  return (socket as IncomingMessage['socket'] | undefined)?.remoteAddress
}

/** Whether the other end of a connection is on this machine. Of a Unix socket that isn't known: a proxy may be in front. */
export function isLoopbackPeer(address: string | undefined): boolean {
  return address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address)
}
