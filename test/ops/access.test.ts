import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import type { OpsOptions } from '../../packages/runutil/src/ops/ops-options.ts'
import { openApiDocument } from '../../packages/runutil/src/ops/http/openapi.ts'
import { ROUTES } from '../../packages/runutil/src/ops/http/routes.ts'
import { FakeServer } from '../support/ops/fake-server.ts'
import { CHANGE, ask } from '../support/ops/raw-client.ts'

interface Operation {
  readonly method: string
  /** With something for each parameter. */
  readonly path: string
  readonly isChange: boolean
}

interface OpenApi {
  readonly paths: Record<
    string,
    Record<string, { parameters: { name: string; schema: { enum?: string[] } }[] }>
  >
}

const document = openApiDocument(ROUTES) as OpenApi

/** Each operation of the document, with each of its verbs. */
const operations: Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).flatMap(([method, { parameters }]) => {
    const verbs = parameters.find(({ name }) => name === 'verb')?.schema.enum ?? ['']
    return verbs.map((verb) => ({
      method: method.toUpperCase(),
      path: path.replace('{verb}', verb).replaceAll(/\{\w+\}/g, 'x'),
      isChange: method !== 'get' && !path.endsWith('/session'),
    }))
  }),
)
// Who calls, anyone may ask.
const reads = operations.filter(
  ({ method, path }) => method === 'GET' && path.startsWith('/api/') && !path.endsWith('/session'),
)
const changes = operations.filter(({ isChange }) => isChange)
const probes = ['/startupz', '/readyz', '/livez']

/** What the server answers by status, with one line for each that isn't as most. */
async function statuses(server: FakeServer, asked: Operation[], headers: Record<string, string>) {
  const answers = await Promise.all(
    asked.map(async ({ method, path }) => {
      const change = method === 'GET' ? {} : CHANGE
      const { status } = await ask(server.port, { method, path, headers: { ...change, ...headers } })
      return status
    }),
  )
  return [...new Set(answers)]
}

const settings: Record<string, OpsOptions> = {
  'no token': {},
  'an empty token': { token: '', readToken: '' },
  token: { token: 'write' },
  'two tokens': { token: ['old', 'write'] },
  readToken: { readToken: 'look' },
  'token and readToken': { token: 'write', readToken: 'look' },
}

const callers: Record<string, Record<string, string>> = {
  nobody: {},
  'somebody behind a proxy': { 'x-forwarded-for': '10.0.0.1' },
  'somebody behind another proxy': { forwarded: 'for=10.0.0.1' },
  'whoever may read': { authorization: 'Bearer look' },
  'whoever may change': { authorization: 'bearer write' },
  'whoever may change, behind a proxy': { authorization: 'Bearer write', 'x-forwarded-proto': 'https' },
  'somebody with a wrong token': { authorization: 'Bearer wrong' },
  'somebody with an empty token': { authorization: 'Bearer ' },
  'a proxy that has its own password': { authorization: 'Basic bG9vazpsb29r' },
}

/** Of the API: the status of all that reads, and of all that changes. */
const table: [setting: string, caller: string, read: number, change: number][] = [
  ['no token', 'nobody', 200, 403],
  ['no token', 'somebody behind a proxy', 401, 403],
  ['no token', 'somebody behind another proxy', 401, 403],
  ['no token', 'somebody with a wrong token', 401, 403],
  ['no token', 'somebody with an empty token', 200, 403],
  ['an empty token', 'nobody', 200, 403],
  ['an empty token', 'somebody with an empty token', 200, 403],
  ['an empty token', 'somebody behind a proxy', 401, 403],
  ['token', 'nobody', 200, 401],
  ['token', 'somebody behind a proxy', 401, 401],
  ['token', 'whoever may change', 200, 200],
  ['token', 'whoever may change, behind a proxy', 200, 200],
  ['token', 'somebody with a wrong token', 401, 401],
  ['token', 'a proxy that has its own password', 200, 401],
  ['two tokens', 'whoever may change', 200, 200],
  ['two tokens', 'whoever may read', 401, 401],
  ['readToken', 'nobody', 401, 403],
  ['readToken', 'whoever may read', 200, 403],
  ['readToken', 'whoever may change', 401, 403],
  ['token and readToken', 'nobody', 401, 401],
  ['token and readToken', 'somebody behind a proxy', 401, 401],
  ['token and readToken', 'whoever may read', 200, 403],
  ['token and readToken', 'whoever may change', 200, 200],
  ['token and readToken', 'somebody with a wrong token', 401, 401],
]

describe('each operation of the OpenAPI document', () => {
  test('is there', () => {
    expect(reads.length).toBeGreaterThanOrEqual(11)
    expect(changes.length).toBeGreaterThanOrEqual(18)
    expect(operations).toHaveLength(
      reads.length + changes.length + probes.length + ['metrics', 'in', 'out', 'who'].length,
    )
  })

  test.each(table)('with %s: %s reads %i, changes %i', async (setting, caller, read, change) => {
    const clock = new VirtualClock({ auto: true })
    await using server = await FakeServer.start({ options: settings[setting]!, clock })
    expect(await statuses(server, reads, callers[caller]!)).toEqual([read])
    const hasRead = server.fakes.taken().length
    expect(hasRead).toBe(read === 200 ? reads.length - 1 /* the document itself */ : 0)
    expect(await statuses(server, changes, callers[caller]!)).toEqual([change])
    expect(server.fakes.taken()).toHaveLength(change === 200 ? changes.length : 0)
    // Probes are for all.
    for (const path of probes) expect([200, 503]).toContain((await server.get(path, callers[caller])).status)
  })

  test('is asked by HEAD as by GET, without a body', async () => {
    await using server = await FakeServer.start({ options: { readToken: 'look' } })
    for (const { path } of reads) {
      const refused = await ask(server.port, { method: 'HEAD', path })
      expect([path, refused.status, refused.text]).toEqual([path, 401, ''])
      const authorization = 'Bearer look'
      const served = await ask(server.port, { method: 'HEAD', path, headers: { authorization } })
      expect([path, served.status, served.text]).toEqual([path, 200, ''])
    }
  })

  test('changes nothing by another method than its own', async () => {
    await using server = await FakeServer.start({ options: { token: 'write' } })
    const headers = { ...CHANGE, authorization: 'Bearer write' }
    for (const { path } of changes) {
      for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
        const { status, headers: sent } = await ask(server.port, { method, path, headers })
        // A job may be called 'retry': to look at one is no change.
        if (/\/jobs\/\w+$/.test(path) && (method === 'GET' || method === 'HEAD')) expect(status).toBe(200)
        else
          expect([method, path, status, sent.allow]).toEqual([
            method,
            path,
            405,
            expect.stringContaining('POST'),
          ])
      }
    }
    expect(server.fakes.taken().filter(([name]) => name !== 'job')).toEqual([])
  })

  test('is called by another Host in vain, with whatever token', async () => {
    await using server = await FakeServer.start({ options: { token: 'write' } })
    const headers = { host: 'evil.example', authorization: 'Bearer write' }
    expect(await statuses(server, [...reads, ...changes], headers)).toEqual([421])
    expect(server.fakes.taken()).toEqual([])
  })
})

describe('metrics', () => {
  test('need a token where readToken is set, and none otherwise', async () => {
    await using open = await FakeServer.start({ options: { token: 'write' } })
    expect((await open.get('/metrics', { host: 'pod-7.example', 'x-forwarded-for': '10.0.0.1' })).text).toBe(
      'runutil_up 1\n',
    )
    await using closed = await FakeServer.start({ options: { token: 'write', readToken: 'look' } })
    expect((await closed.get('/metrics')).status).toBe(401)
    for (const token of ['look', 'write']) {
      expect((await closed.get('/metrics', { authorization: `Bearer ${token}` })).status).toBe(200)
    }
  })
})

describe('authorize', () => {
  test('replaces tokens, and may be async', async () => {
    const authorize: OpsOptions['authorize'] = async ({ headers }) =>
      headers['x-user'] === 'ada'
        ? { role: 'control', name: 'Ada' }
        : headers['x-user'] === 'bo'
          ? 'read'
          : 'none'
    await using server = await FakeServer.start({ options: { authorize, token: 'write' } })
    const write = { authorization: 'Bearer write' }
    expect(await statuses(server, [...reads, ...changes], write)).toEqual([403])
    expect(await statuses(server, reads, { 'x-user': 'bo' })).toEqual([200])
    expect(await statuses(server, changes, { 'x-user': 'bo' })).toEqual([403])
    expect(await statuses(server, [...reads, ...changes], { 'x-user': 'ada' })).toEqual([200])
    expect((await server.post('/api/v1/session', { token: 'write' })).status).toBe(404)
  })

  test("that says 'none' lets nobody change things, and says so", async () => {
    await using server = await FakeServer.start({ options: { authorize: () => 'none' } })
    const { status, json } = await server.post('/api/v1/workers/A/stop', {})
    expect([status, json!.message]).toEqual([
      403,
      'expected a caller who may use this server; got one who may not',
    ])
  })

  test('names a caller without a name by their address', async () => {
    await using server = await FakeServer.start({
      options: { authorize: () => ({ role: 'read', name: '' }) },
    })
    const { json } = await server.get('/api/v1/session')
    expect(json).toMatchObject({ role: 'read', name: '127.0.0.1, by authorize' })
  })

  test.each([undefined, 'admin', { name: 'Ada' }, { role: 'control', name: 7 }, true])(
    'that says %o lets nobody in, and the answer tells nothing',
    async (given) => {
      const authorize = (() => given) as unknown as OpsOptions['authorize']
      await using server = await FakeServer.start({ options: { authorize } })
      const answer = await server.get('/api/v1/state')
      expect(answer.status).toBe(500)
      expect(answer.json).toEqual({
        code: 'internal',
        message: 'an error that nobody expected; the log of the process has it',
      })
      expect(server.fakes.taken()).toEqual([])
    },
  )
})

describe('what is refused', () => {
  test.each([
    [
      {},
      'POST',
      {},
      'nothing can be changed without a token: set the option token, or RUNUTIL_OPS_TOKEN, and send it as Authorization: Bearer',
    ],
    [
      { token: 'write' },
      'POST',
      {},
      'expected a token that allows changes; got none; send it as Authorization: Bearer TOKEN',
    ],
    [{ readToken: 'look' }, 'GET', {}, 'expected a token; got none; send it as Authorization: Bearer TOKEN'],
    [
      {},
      'GET',
      { 'x-forwarded-for': '1.1.1.1' },
      'expected a token; got none, by a proxy, as the header x-forwarded-for says, so that the caller may be anywhere; ' +
        'set the option token or readToken, and send it as Authorization: Bearer TOKEN',
    ],
    [
      { token: 'write' },
      'GET',
      { authorization: 'Bearer wrong' },
      'expected a token of this server; got another',
    ],
  ] as const)('with %o says what to do: %s', async (options, method, headers, message) => {
    await using server = await FakeServer.start({ options, clock: new VirtualClock({ auto: true }) })
    const path = method === 'GET' ? '/api/v1/state' : '/api/v1/kinds/mail/pause'
    const answer = await ask(server.port, { method, path, headers: { ...CHANGE, ...headers } })
    expect(answer.json!.message).toBe(message)
    expect(answer.headers['www-authenticate']).toBe(answer.status === 401 ? 'Bearer' : undefined)
  })
})

test('without the API, only probes and metrics are there', async () => {
  await using server = await FakeServer.start({ options: { api: false, page: false, host: '0.0.0.0' } })
  expect(await statuses(server, [...reads, ...changes], {})).toEqual([404])
  for (const path of [...probes, '/metrics']) expect([200, 503]).toContain((await server.get(path)).status)
})
