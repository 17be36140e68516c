import type { Check } from './check.ts'
import { type Verdict, ok, warn } from './finding.ts'

export const SERVER_CHECKS: readonly Check[] = [
  {
    name: 'token',
    examine: ({ server, process }) => server && judgeToken(server.isOpen, process.isProduction),
  },
  { name: 'proxy', examine: ({ server }) => server?.proxy && judgeProxy(server.proxy.header, server.isOpen) },
]

export function judgeToken(isOpen: boolean, isProduction: boolean): Verdict {
  if (!isOpen) return ok('nobody reads without a token')
  if (!isProduction) return ok('whoever is on this machine reads without a token')
  return warn(
    'whoever is on this machine reads without a token, and NODE_ENV is production',
    'set readToken or authorize, if others have processes on it',
  )
}

/** @param header one that a proxy has added to a request */
export function judgeProxy(header: string | undefined, isOpen: boolean): Verdict {
  if (header === undefined) return ok('no request has come through a proxy')
  if (!isOpen) return ok(`requests come through a proxy (${header}), and need a token`)
  return warn(
    `requests come through a proxy (${header}), and this machine reads without a token`,
    'set readToken or authorize: a request that a proxy on this machine passes on without such a header needs no token',
  )
}
