import type { QueryField, Route, RouteAnswer, Schema } from './route.ts'
import { TEXT, objectOf } from './schemas.ts'

/** By status, what each error means. */
const ERRORS: Readonly<Record<number, string>> = {
  400: 'a bad request',
  401: 'no token, or a wrong one',
  403: 'not allowed',
  404: 'there is none',
  409: 'not now: what it is about has changed, or is in another state',
  413: 'the body is larger than 64 KiB',
  415: 'the body is not JSON',
  421: 'the Host is neither an IP address nor localhost nor one of allowedHosts',
  429: 'too many streams',
  503: 'the database does not answer',
}

/** The OpenAPI 3.1 document of these routes. It lies at `api/v1/openapi.json` of the base path. */
export function openApiDocument(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    for (const { path, operation } of operationsOf(route)) {
      paths[`/${path}`] = { ...paths[`/${path}`], [route.method.toLowerCase()]: operation }
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'runutil operations', version: '1' },
    servers: [{ url: '../..', description: 'the base path' }],
    paths,
    components: {
      schemas: { Error: objectOf({ code: TEXT, message: TEXT }, ['code', 'message']) },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  }
}

interface Operation {
  readonly path: string
  readonly operation: object
}

/** One, but for a route whose only parameter is its verb: beside `jobs/{id}` no document may have `jobs/{verb}`. */
function operationsOf(route: Route): Operation[] {
  const { path, verbs } = route
  const isOnlyVerb = verbs !== undefined && path.indexOf('{') === path.indexOf('{verb}')
  const paths = isOnlyVerb ? verbs.map((verb) => path.replace('{verb}', verb)) : [path]
  return paths.map((one) => ({ path: one, operation: operationOf(route, one) }))
}

function operationOf(route: Route, path: string): object {
  const { access, summary, body } = route
  return {
    summary,
    parameters: [...pathParametersOf(path, route), ...queryParametersOf(route), ...headersOf(route)],
    ...(body !== undefined && { requestBody: { content: { 'application/json': { schema: body } } } }),
    responses: responsesOf(route),
    // An empty one: a caller on the same machine may need no token to read.
    security:
      access === 'control'
        ? [{ token: [] }]
        : access === 'read' || access === 'anyone' || access === 'metrics'
          ? [{ token: [] }, {}]
          : [],
  }
}

function pathParametersOf(path: string, { verbs }: Route): object[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => {
    const schema: Schema = name === 'verb' ? { type: 'string', enum: verbs } : TEXT
    return { name, in: 'path', required: true, schema }
  })
}

function queryParametersOf({ query = {}, nested }: Route): object[] {
  const named = Object.entries(query).map(([name, { about, schema }]: [string, QueryField]) => {
    return { name, in: 'query', description: about, schema }
  })
  if (nested === undefined) return named
  const schema: Schema = {
    type: 'object',
    patternProperties: { [`^(${nested.prefixes.join('|')})\\.`]: TEXT },
    additionalProperties: false,
  }
  return [
    ...named,
    { name: 'nested', in: 'query', description: nested.about, style: 'form', explode: true, schema },
  ]
}

function headersOf({ access }: Route): object[] {
  if (access !== 'control' && access !== 'session') return []
  return [{ name: 'x-runutil', in: 'header', required: true, schema: { const: '1' } }]
}

function responsesOf(route: Route): Record<string, object> {
  const answers = Object.entries(route.answers).map(
    ([status, answer]) => [status, responseOf(answer)] as const,
  )
  const errors = errorsOf(route)
    .filter((status) => route.answers[status] === undefined)
    .map((status) => [String(status), errorResponse(ERRORS[status]!)] as const)
  return Object.fromEntries([...answers, ...errors])
}

function responseOf({ about, schema, type = 'application/json' }: RouteAnswer): object {
  return { description: about, content: { [type]: { schema } } }
}

function errorResponse(description: string): object {
  const schema: Schema = { $ref: '#/components/schemas/Error' }
  return { description, content: { 'application/json': { schema } } }
}

function errorsOf({ access, path }: Route): number[] {
  switch (access) {
    case 'open':
      return []
    case 'metrics':
      return [401, 403, 404]
    case 'page':
      return [421]
    case 'anyone':
      return [400, 403, 421]
    case 'read':
      return [400, 401, 403, 404, 421, ...(path.endsWith('/events') ? [429] : []), 503]
    case 'session':
      return [400, 401, 403, 413, 415, 421]
    case 'control':
      return [400, 401, 403, 404, 409, 413, 415, 421, 503]
    default:
      return access satisfies never
  }
}
