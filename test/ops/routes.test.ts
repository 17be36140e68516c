import { InvalidArgumentError } from 'runutil'
import { describe, expect, test } from 'vitest'
import { StoreUnavailableError } from '../../packages/runutil/src/core/store-unavailable-error.ts'
import { openApiDocument } from '../../packages/runutil/src/ops/http/openapi.ts'
import { OpsError } from '../../packages/runutil/src/ops/ops-error.ts'
import { ROUTES } from '../../packages/runutil/src/ops/http/routes.ts'
import { SchemaMissingError } from '../../packages/runutil/src/postgres/database/errors.ts'
import { FakeServer } from '../support/ops/fake-server.ts'
import type { Reached } from '../support/ops/fake-services.ts'
import { CHANGE, ask } from '../support/ops/raw-client.ts'

const options = { token: 'write' }
const authorization = 'Bearer write'

describe('the OpenAPI document', () => {
  test('is served, and has the routes and no others', async () => {
    await using server = await FakeServer.start()
    const { json } = await server.get('/api/v1/openapi.json')
    const { paths, openapi } = json as unknown as { paths: Record<string, object>; openapi: string }
    expect(openapi).toBe('3.1.0')
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const routed = ROUTES.flatMap(({ method, path, verbs = [] }) =>
      path === 'api/v1/jobs/{verb}'
        ? verbs.map((verb) => `${method} /api/v1/jobs/${verb}`)
        : [`${method} /${path}`],
    )
    expect(documented.sort()).toEqual(routed.sort())
    // Two paths that differ only in the names of their parameters are one, to OpenAPI.
    const shapes = Object.keys(paths).map((path) => path.replaceAll(/\{\w+\}/g, '{}'))
    expect(new Set(shapes).size).toBe(shapes.length)
    expect(documented).toEqual([
      'DELETE /api/v1/session',
      'GET /api/v1/actions',
      'GET /api/v1/doctor',
      'GET /api/v1/events',
      'GET /api/v1/jobs',
      'GET /api/v1/jobs/{id}',
      'GET /api/v1/kinds',
      'GET /api/v1/leases',
      'GET /api/v1/openapi.json',
      'GET /api/v1/replicas',
      'GET /api/v1/session',
      'GET /api/v1/specs',
      'GET /api/v1/state',
      'GET /api/v1/units',
      'GET /livez',
      'GET /metrics',
      'GET /readyz',
      'GET /startupz',
      'POST /api/v1/jobs/cancel',
      'POST /api/v1/jobs/delete',
      'POST /api/v1/jobs/retry',
      'POST /api/v1/jobs/{id}/{verb}',
      'POST /api/v1/kinds/{kind}/{verb}',
      'POST /api/v1/pools/{path}/{verb}',
      'POST /api/v1/session',
      'POST /api/v1/specs/{spec}/{verb}',
      'POST /api/v1/workers/{path}/{verb}',
    ])
  })

  test('leads from its own address to the base path', () => {
    const { servers } = openApiDocument(ROUTES) as { servers: [{ url: string }] }
    const base = new URL(servers[0].url, 'http://localhost/ops/api/v1/openapi.json')
    expect(`${base.href.replace(/\/$/, '')}/livez`).toBe('http://localhost/ops/livez')
  })

  test('names each parameter of a path, and each answer', () => {
    const { paths } = openApiDocument(ROUTES) as {
      paths: Record<string, Record<string, { parameters: { name: string; in: string }[]; responses: object }>>
    }
    for (const [path, methods] of Object.entries(paths)) {
      for (const { parameters, responses } of Object.values(methods)) {
        const named = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`)
        expect(named).toEqual(path.match(/\{\w+\}/g) ?? [])
        expect(Object.keys(responses)).toContain('200')
      }
    }
  })
})

describe('a change', () => {
  const calls: [path: string, reached: Reached][] = [
    ['workers/Type/Name/pause', ['worker', '/Type/Name', 'pause', 'control', undefined]],
    ['workers//Type/Name/stop', ['worker', '/Type/Name', 'stop', 'control', undefined]],
    ['workers/%2FType%2FName/start', ['worker', '/Type/Name', 'start', 'control', undefined]],
    ['workers/Type%2FName/restart', ['worker', '/Type/Name', 'restart', 'control', undefined]],
    ['workers/Type/%232/trigger', ['worker', '/Type/#2', 'trigger', 'control', undefined]],
    ['workers/pause/pause', ['worker', '/pause', 'pause', 'control', undefined]],
    ['workers/A/resume?replica=r2', ['worker', '/A', 'resume', 'control', 'r2']],
    ['workers/J%C3%BCrgen%20%25/pause', ['worker', '/Jürgen %', 'pause', 'control', undefined]],
    ['pools/Type/Pool/reset', ['pool', '/Type/Pool', 'reset', 'control', undefined]],
    ['pools/A/reset?replica=r2', ['pool', '/A', 'reset', 'control', 'r2']],
    ['jobs/mail-17/retry', ['job', 'mail-17', 'retry', 'control']],
    ['jobs/retry/retry', ['job', 'retry', 'retry', 'control']],
    ['jobs/a%2Fretry/cancel', ['job', 'a/retry', 'cancel', 'control']],
    ['jobs/delete', ['jobs', 'delete', { query: { kind: 'mail' }, dryRun: true }, 'control']],
    ['kinds/mail/pause', ['kind', 'mail', 'pause', 'control']],
    ['kinds/mail/daily/resume', ['kind', 'mail/daily', 'resume', 'control']],
    ['kinds/mail%2Fdaily/resume', ['kind', 'mail/daily', 'resume', 'control']],
    [
      'specs/ns/name/pause',
      ['spec', 'ns/name', 'pause', { query: { kind: 'mail' }, dryRun: true }, 'control'],
    ],
    [
      'specs/ns%2Fname/retry',
      ['spec', 'ns/name', 'retry', { query: { kind: 'mail' }, dryRun: true }, 'control'],
    ],
    ['specs//name/resume', ['spec', '/name', 'resume', { query: { kind: 'mail' }, dryRun: true }, 'control']],
  ]

  test('is of what its path says: the verb is the last segment, all before it is the path', async () => {
    await using server = await FakeServer.start({ options })
    for (const [path, reached] of calls) {
      const body = { query: { kind: 'mail' }, dryRun: true }
      const answer = await server.post(`/api/v1/${path}`, body, { authorization })
      expect([path, answer.status, answer.json]).toEqual([path, 200, { done: true }])
      expect(server.fakes.taken()).toEqual([reached])
    }
  })

  test.each([
    ['workers/A/paus', 404, `no verb 'paus'; did you mean 'pause'?`],
    ['workers/A/explode', 404, `no verb 'explode'; known are pause, resume, trigger, stop, start, restart`],
    [
      'workers/A/__proto__',
      404,
      `no verb '__proto__'; known are pause, resume, trigger, stop, start, restart`,
    ],
    ['jobs/explode', 404, `no verb 'explode'; known are retry, cancel, delete`],
    [
      'jobs/a/b/retry',
      404,
      `nothing is at 'api/v1/jobs/a/b/retry'; the API is listed in api/v1/openapi.json`,
    ],
    ['jobs//retry', 404, `nothing is at 'api/v1/jobs//retry'; the API is listed in api/v1/openapi.json`],
    ['workers/pause', 404, `nothing is at 'api/v1/workers/pause'; the API is listed in api/v1/openapi.json`],
    [
      'workers//pause',
      404,
      `nothing is at 'api/v1/workers//pause'; the API is listed in api/v1/openapi.json`,
    ],
    [
      'leases/a/pause',
      404,
      `nothing is at 'api/v1/leases/a/pause'; the API is listed in api/v1/openapi.json`,
    ],
    ['workers/%ff/pause', 400, `path: expected UTF-8 encoded by %XX; got '%ff'; write % as %25`],
    ['workers/100%/pause', 400, `path: expected UTF-8 encoded by %XX; got '100%'; write % as %25`],
    ['workers/A/pause?replca=r2', 400, `query: unknown field 'replca'; did you mean 'replica'?`],
    ['kinds/mail/pause?replica=r2', 400, `query: unknown field 'replica'; none is known here`],
    ['state', 405, 'expected GET, HEAD; got POST'],
    [
      'jobs/mail-17/retry/',
      404,
      `nothing is at 'api/v1/jobs/mail-17/retry/'; the API is listed in api/v1/openapi.json`,
    ],
  ])('of %s is %i: %s', async (path, status, message) => {
    await using server = await FakeServer.start({ options })
    const answer = await server.post(`/api/v1/${path}`, {}, { authorization })
    expect([answer.status, answer.json!.message]).toEqual([status, message])
    expect(server.fakes.taken()).toEqual([])
  })
})

describe('what is read', () => {
  test.each<[path: string, reached: Reached]>([
    ['state', ['state']],
    ['state?replica=r2', ['stateOf', 'r2']],
    ['kinds', ['kinds']],
    ['jobs', ['jobs', {}]],
    [
      'jobs?kind=mail&status=FAILED&createdAt.gte=2030-01-01T00:00:00Z&error.contains=a%20b&limit=10&after=x',
      [
        'jobs',
        {
          kind: 'mail',
          status: 'FAILED',
          'createdAt.gte': '2030-01-01T00:00:00Z',
          'error.contains': 'a b',
          limit: '10',
          after: 'x',
        },
      ],
    ],
    ['jobs/a%2Fb', ['job', 'a/b']],
    ['jobs/cancel', ['job', 'cancel']],
    [
      'units?namespace=ns&spec=crawl&status=failed',
      ['units', { namespace: 'ns', spec: 'crawl', status: 'failed' }],
    ],
    [
      'actions?target.startsWith=r1&input.url=x&output.sizes.0=1&createdAt.gte=2030-01-01',
      [
        'actions',
        {
          'target.startsWith': 'r1',
          'input.url': 'x',
          'output.sizes.0': '1',
          'createdAt.gte': '2030-01-01',
        },
      ],
    ],
    ['events?watch=kinds,replicas&replica=r2', ['open', { watch: 'kinds,replicas', replica: 'r2' }]],
    ['events', ['open', {}]],
  ])('is %s', async (path, reached) => {
    await using server = await FakeServer.start()
    expect((await server.get(`/api/v1/${path}`)).status).toBe(200)
    expect(server.fakes.taken()).toEqual([reached])
  })

  test.each(['livez?verbose', 'readyz?exclude=db', 'startupz?x=1&x=2', 'metrics?name[]=a&name[]=b'])(
    'of a probe is whatever a prober adds: %s',
    async (path) => {
      await using server = await FakeServer.start()
      const [plain] = path.split('?')
      expect((await server.get(`/${path}`)).text).toBe((await server.get(`/${plain}`)).text)
    },
  )

  test.each([
    ['jobs?knd=mail', `query: unknown field 'knd'; did you mean 'kind'?`],
    ['jobs?kind=a&kind=b', `query: expected 'kind' once; got it twice`],
    ['jobs?constructor=x', /^query: unknown field 'constructor'; known are kind, status/],
    ['actions?input=x', /^query: unknown field 'input'/],
    ['actions?limit.gt=x', /^query: unknown field 'limit.gt'/],
    ['actions?inputs.url=x', /^query: unknown field 'inputs.url'/],
    ['kinds?limit=1', `query: unknown field 'limit'; none is known here`],
    ['jobs/%', `path: expected UTF-8 encoded by %XX; got '%'; write % as %25`],
  ])('is not %s', async (path, message) => {
    await using server = await FakeServer.start()
    const { status, json } = await server.get(`/api/v1/${path}`)
    expect([status, json!.code]).toEqual([400, 'bad-request'])
    expect(json!.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
    expect(server.fakes.taken()).toEqual([])
  })

  test.each([
    '/',
    '/api',
    '/api/v1',
    '/api/v1/',
    '/api/v2/state',
    '/api/v1/state/',
    '//api/v1/state',
    '/api/v1/../v1/state',
    '/API/v1/state',
    '/api/v1/job',
    'http://localhost/api/v1/state',
    '*',
  ])('is not at %s', async (path) => {
    await using server = await FakeServer.start({ options: { page: false } })
    expect((await ask(server.port, { path })).status).toBe(404)
  })
})

describe('an error', () => {
  test.each<[what: string, failure: unknown, status: number, code: string, message: string]>([
    ['of the API', new OpsError(409, 'stale', 'more match now'), 409, 'stale', 'more match now'],
    [
      'of an argument',
      new InvalidArgumentError('limit: expected 1'),
      400,
      'bad-request',
      'limit: expected 1',
    ],
    [
      'of a store that is away',
      new StoreUnavailableError('no connection', { outcomeUnknown: false }),
      503,
      'database',
      'no connection',
    ],
    [
      'of a schema that is missing',
      new SchemaMissingError('app', undefined),
      503,
      'database',
      new SchemaMissingError('app', undefined).message,
    ],
    [
      'of ours',
      new TypeError('password is hunter2'),
      500,
      'internal',
      'an error that nobody expected; the log of the process has it',
    ],
    [
      'that is none',
      'hunter2',
      500,
      'internal',
      'an error that nobody expected; the log of the process has it',
    ],
    ['that is null', null, 500, 'internal', 'an error that nobody expected; the log of the process has it'],
  ])('%s is told by code and message, without a stack', async (_, failure, status, code, message) => {
    await using server = await FakeServer.start()
    server.fakes.failure = failure
    const answer = await server.get('/api/v1/kinds')
    expect([answer.status, answer.json]).toEqual([status, { code, message }])
    // The next is served.
    expect((await server.get('/api/v1/kinds')).status).toBe(200)
  })

  test('has the headers that it says', async () => {
    await using server = await FakeServer.start()
    server.fakes.failure = new OpsError(429, 'too-many-streams', '50 are open', { 'retry-after': '10' })
    const answer = await server.get('/api/v1/events')
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '10'])
  })
})

describe('a base path', () => {
  test('is before everything; probes and metrics are at both places', async () => {
    await using server = await FakeServer.start({ options: { basePath: '/admin/ops' } })
    expect((await server.get('/admin/ops/api/v1/state')).status).toBe(200)
    expect((await server.get('/api/v1/state')).status).toBe(404)
    expect((await server.get('/admin/opsapi/v1/state')).status).toBe(404)
    for (const path of ['livez', 'startupz', 'metrics']) {
      expect((await server.get(`/${path}`)).status).toBe(200)
      expect((await server.get(`/admin/ops/${path}`)).status).toBe(200)
    }
    expect((await server.get('/readyz')).json).toEqual({
      ok: false,
      reasons: [{ who: '/A', why: 'starting' }],
    })
  })
})

test('a probe takes no change, and says what it takes', async () => {
  await using server = await FakeServer.start({ options })
  const answer = await ask(server.port, { method: 'POST', path: '/livez', headers: CHANGE })
  expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD'])
})
