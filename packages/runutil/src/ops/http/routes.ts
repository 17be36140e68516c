import { shortened } from '../../core/describe.ts'
import { nearest } from '../../core/options.ts'
import { CHANGE_ROUTES } from './change-routes.ts'
import { OpsError } from '../ops-error.ts'
import { PROBE_ROUTES } from './probe-routes.ts'
import { READ_ROUTES } from './read-routes.ts'
import type { Route } from './route.ts'

/** All that is served but the page, which is no API. */
export const ROUTES: readonly Route[] = [...PROBE_ROUTES, ...READ_ROUTES, ...CHANGE_ROUTES]

export interface RouteMatch {
  readonly route: Route
  /** Of the path, decoded. */
  readonly parameters: Readonly<Record<string, string>>
}

/**
 * The route for a method and a path relative to the base path; HEAD is served as GET.
 *
 * @returns undefined if none has the path
 * @throws OpsError 404 for an unknown verb, 405 for another method, 400 for a path that can't be decoded
 */
export function matchRoute(routes: readonly Route[], method: string, path: string): RouteMatch | undefined {
  const segments = path.split('/')
  const found = routes.flatMap((route) => {
    const parameters = parametersOf(route, segments)
    return parameters === undefined ? [] : [{ route, parameters }]
  })
  if (found.length === 0) return undefined
  const wanted = found.filter(({ route }) => route.method === (method === 'HEAD' ? 'GET' : method))
  const match = wanted.find(({ route, parameters }) => isVerbOf(route, parameters))
  if (match !== undefined) return match
  throw wanted.length > 0 ? unknownVerb(wanted) : wrongMethod(method, found)
}

/** Undefined unless the path is the route's. Literal segments are compared as they came, parameters decoded. */
function parametersOf(
  { path, wide }: Route,
  segments: readonly string[],
): Record<string, string> | undefined {
  const pattern = path.split('/')
  const more = segments.length - pattern.length
  if (more < 0 || (more > 0 && wide === undefined)) return undefined
  const parameters: Record<string, string> = {}
  let at = 0
  for (const part of pattern) {
    const name = /^\{(.+)\}$/.exec(part)?.[1]
    const end = at + 1 + (name !== undefined && name === wide ? more : 0)
    const value = segments.slice(at, end)
    if (name === undefined ? value[0] !== part : value.join('') === '') return undefined
    if (name !== undefined) parameters[name] = value.map(decoded).join('/')
    at = end
  }
  return parameters
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new OpsError(
      400,
      'bad-request',
      `path: expected UTF-8 encoded by %XX; got '${shortened(segment)}'; write % as %25`,
    )
  }
}

function isVerbOf({ verbs }: Route, { verb }: Readonly<Record<string, string>>): boolean {
  return verbs === undefined || verbs.includes(verb!)
}

function wrongMethod(method: string, found: readonly RouteMatch[]): OpsError {
  const methods = found.flatMap(({ route }) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]))
  const allow = [...new Set(methods)].join(', ')
  return new OpsError(405, 'method', `expected ${allow}; got ${shortened(method)}`, { allow })
}

function unknownVerb(found: readonly RouteMatch[]): OpsError {
  const verbs = [...new Set(found.flatMap(({ route }) => route.verbs ?? []))]
  const verb = found[0]!.parameters.verb!
  const near = nearest(verb, verbs)
  const hint = near === undefined ? `known are ${verbs.join(', ')}` : `did you mean '${near}'?`
  return new OpsError(404, 'not-found', `no verb '${shortened(verb)}'; ${hint}`)
}

/**
 * The fields of a query, checked against those that the route has.
 *
 * @throws OpsError 400 for an unknown one, and for one given twice
 */
export function queryOf({ query = {}, nested }: Route, search: URLSearchParams): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const [name, value] of search) {
    const isNested = nested?.prefixes.some((prefix) => name.startsWith(`${prefix}.`)) === true
    if (!Object.hasOwn(query, name) && !isNested) throw unknownField(name, Object.keys(query))
    if (Object.hasOwn(fields, name)) {
      throw new OpsError(400, 'bad-request', `query: expected '${shortened(name)}' once; got it twice`)
    }
    fields[name] = value
  }
  return fields
}

function unknownField(name: string, known: readonly string[]): OpsError {
  const near = nearest(name, known)
  const others = known.length === 0 ? 'none is known here' : `known are ${known.join(', ')}`
  const hint = near === undefined ? others : `did you mean '${near}'?`
  return new OpsError(400, 'bad-request', `query: unknown field '${shortened(name)}'; ${hint}`)
}
