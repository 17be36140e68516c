import type { IncomingHttpHeaders } from 'node:http'
import { describe, shortened } from '../../core/describe.ts'
import { authorityOf, authorityOfOrigin, hostOf, isAddress } from './authority.ts'
import type { Caller } from './caller.ts'
import type { Identity } from './identity.ts'
import { OpsError } from '../ops-error.ts'

/**
 * What a route asks of its caller. 'open': nothing. 'page': a Host that is known. 'anyone': what reading needs but a role. 'metrics': as
 * much as to read, where a `readToken` is set. 'session': what a change needs but a token, which is in its body.
 */
export type Access = 'open' | 'metrics' | 'page' | 'anyone' | 'read' | 'session' | 'control'

/** The rules that depend on the server's options. */
export interface GuardRules {
  /** Names of hosts, parsed. */
  readonly allowedHosts: readonly string[]
  /** Whether there is a token that allows changes, or `authorize`. */
  readonly mayChange: boolean
  readonly hasReadToken: boolean
}

/** Why a request isn't served before its caller is known; undefined if it is. */
export function refusal(
  access: Access,
  headers: IncomingHttpHeaders,
  rules: GuardRules,
): OpsError | undefined {
  if (access === 'open' || access === 'metrics') return undefined
  const wrong = wrongHost(headers, rules.allowedHosts) ?? wrongUpgrade(headers)
  if (wrong !== undefined || access === 'page') return wrong
  return access === 'read' || access === 'anyone' ? wrongSite(headers) : wrongChange(headers)
}

/** A page of another site has no name for this server but one that its own DNS server points here. */
function wrongHost(headers: IncomingHttpHeaders, allowed: readonly string[]): OpsError | undefined {
  const given = hostOf(headers)
  const host = given === undefined ? undefined : authorityOf(given)?.host
  if (host !== undefined && (isAddress(host) || host === 'localhost' || allowed.includes(host)))
    return undefined
  const hint = host === undefined ? '' : `; if it is this server's, set allowedHosts: ['${shortened(host)}']`
  return new OpsError(
    421,
    'host',
    `Host: expected an IP address, localhost or one of allowedHosts; got ${describe(given)}${hint}`,
  )
}

function wrongUpgrade({ upgrade }: IncomingHttpHeaders): OpsError | undefined {
  if (upgrade === undefined || !/\bwebsocket\b/i.test(upgrade)) return undefined
  return new OpsError(
    400,
    'bad-request',
    'Upgrade: expected none; got "websocket"; read events with EventSource',
  )
}

/** Another site can't read an answer, but could open all streams as images. */
function wrongSite(headers: IncomingHttpHeaders): OpsError | undefined {
  if (headers['sec-fetch-site'] !== 'cross-site' || headers['sec-fetch-dest'] === 'document') return undefined
  return new OpsError(403, 'origin', 'Sec-Fetch-Site: expected a request of this site; got "cross-site"')
}

function wrongChange(headers: IncomingHttpHeaders): OpsError | undefined {
  return wrongOrigin(headers) ?? wrongMarker(headers) ?? wrongContentType(headers)
}

function wrongOrigin(headers: IncomingHttpHeaders): OpsError | undefined {
  const { origin } = headers
  if (origin === undefined) return undefined
  const from = authorityOfOrigin(origin)
  const to = authorityOf(hostOf(headers)!)!
  if (from?.host === to.host && from.port === to.port) return undefined
  return new OpsError(
    403,
    'origin',
    `Origin: expected the host and port of Host, ${describe(hostOf(headers))}; got ${describe(origin)}; a proxy has to pass ` +
      'Host on as it came (nginx: proxy_set_header Host $http_host)',
  )
}

function wrongMarker(headers: IncomingHttpHeaders): OpsError | undefined {
  const given = headers['x-runutil']
  if (given === '1') return undefined
  return new OpsError(
    403,
    'marker',
    `expected the header x-runutil: 1, which forms can't send; got ${describe(given)}`,
  )
}

function wrongContentType(headers: IncomingHttpHeaders): OpsError | undefined {
  const type = headers['content-type']
  const encoding = headers['content-encoding']
  if (type === undefined || !/^application\/json\s*(;|$)/i.test(type)) {
    return new OpsError(415, 'content-type', `content-type: expected application/json; got ${describe(type)}`)
  }
  if (encoding === undefined || encoding === 'identity') return undefined
  return new OpsError(415, 'content-type', `content-encoding: expected none; got ${describe(encoding)}`)
}

/** The caller, if the route is for them. @throws OpsError 401, 403 */
export function admitted(access: Access, identity: Identity, rules: GuardRules): Caller {
  const { role } = identity
  switch (access) {
    case 'open':
    case 'page':
    case 'anyone':
    case 'session':
      return identity
    case 'metrics':
      if (!rules.hasReadToken || role !== 'none') return identity
      throw unauthorized(identity)
    case 'read':
      if (role !== 'none') return identity
      throw unauthorized(identity)
    case 'control':
      if (role === 'control') return identity
      throw rules.mayChange && (!identity.isKnown || role === 'none')
        ? unauthorized(identity)
        : readOnly(rules)
    default:
      return access satisfies never
  }
}

function unauthorized({ isKnown, why }: Identity): OpsError {
  if (isKnown)
    return new OpsError(403, 'forbidden', `expected a caller who may use this server; got one who may not`)
  return new OpsError(401, 'token', why, { 'www-authenticate': 'Bearer' })
}

function readOnly({ mayChange }: GuardRules): OpsError {
  const message = mayChange
    ? 'expected a caller who may change things; got one who may only read'
    : 'nothing can be changed without a token: set the option token, or RUNUTIL_OPS_TOKEN, and send it as Authorization: Bearer'
  return new OpsError(403, 'forbidden', message)
}
