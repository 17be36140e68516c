import express from 'express'
import express4 from 'express4'
import fastify from 'fastify'
import { once } from 'node:events'
import { type IncomingMessage, type Server, type ServerResponse, createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { FakeServer } from '../support/ops/fake-server.ts'
import { CHANGE, type RawAnswer, ask } from '../support/ops/raw-client.ts'

const options = { token: 'write' }
const headers = { ...CHANGE, authorization: 'Bearer write' }
const path = '/api/v1/specs/ns/name/retry'
const body = { units: { statuses: ['failed'] } }
const LIMIT = 64 * 1024

/** JSON of exactly that many bytes. */
function jsonOf(bytes: number): string {
  return JSON.stringify({ a: 'x'.repeat(bytes - '{"a":""}'.length) })
}

describe('a body', () => {
  test.each<[what: string, text: string | Buffer, status: number, message?: string]>([
    ['an object', JSON.stringify(body), 200],
    ['nothing', '', 200],
    ['white space', ' \n', 200],
    ['as large as it may be', jsonOf(LIMIT), 200],
    ['larger', jsonOf(LIMIT + 1), 413, 'body: expected at most 65536 bytes; got more'],
    ['cut off', '{"units": ', 400],
    ['no JSON', 'units=1', 400],
    ['an array', '[1]', 400, 'body: expected a JSON object; got an array of 1'],
    ['null', 'null', 400, 'body: expected a JSON object; got null'],
    ['a string', '"a"', 400, 'body: expected a JSON object; got "a"'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400, 'body: expected a JSON object; it is not UTF-8'],
  ])('that is %s', async (_, text, status, message) => {
    await using server = await FakeServer.start({ options })
    const answer = await ask(server.port, { method: 'POST', path, headers, body: text })
    expect(answer.status).toBe(status)
    expect(server.fakes.taken()).toHaveLength(status === 200 ? 1 : 0)
    if (status !== 200) expect(answer.json!.message).toMatch(/^body: expected/)
    if (message !== undefined) expect(answer.json!.message).toBe(message)
  })

  test('without a length is cut off at the limit, and so is its connection', async () => {
    await using server = await FakeServer.start({ options })
    const socket = connect(server.port, '127.0.0.1')
    let received = ''
    socket.on('data', (data) => (received += String(data)))
    socket.on('error', () => {})
    const lines = Object.entries({ host: 'localhost', ...headers, 'transfer-encoding': 'chunked' })
    socket.write(
      `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${String(value)}\r\n`).join('')}\r\n`,
    )
    const chunk = 'x'.repeat(0x8000)
    for (let at = 0; at < 3; at++) socket.write(`8000\r\n${chunk}\r\n`)
    await once(socket, 'close')
    expect(received).toMatch(/^HTTP\/1\.1 413 /)
    expect(received).toMatch(/connection: close/i)
    expect(server.fakes.taken()).toEqual([])
  })

  test('that ends before its length reaches nothing', async () => {
    await using server = await FakeServer.start({ options })
    const sent = request({ host: '127.0.0.1', port: server.port, method: 'POST', path, agent: false })
    for (const [name, value] of Object.entries({ ...headers, 'content-length': 100 }))
      sent.setHeader(name, value!)
    const failed = once(sent, 'error')
    sent.write('{"units": ', () => sent.destroy(new Error('gone')))
    await failed.catch(() => {})
    // Whoever comes next is served.
    expect((await ask(server.port, { method: 'POST', path, headers, body: '{}' })).status).toBe(200)
    expect(server.fakes.taken()).toHaveLength(1)
  })

  test('is not read of whoever may not change anything', async () => {
    await using server = await FakeServer.start({ options })
    const answer = await ask(server.port, { method: 'POST', path, headers: CHANGE, body: 'no JSON' })
    expect(answer.status).toBe(401)
  })
})

/** What `server` answers to a change, once it listens. */
async function changed(server: Server): Promise<RawAnswer> {
  if (!server.listening) await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    return await ask(port, { method: 'POST', path, headers, body: JSON.stringify(body) })
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

type Handle = (request: IncomingMessage, response: ServerResponse, next?: () => void) => void

describe('a handler that is mounted', () => {
  const frameworks: Record<string, (handle: Handle) => Server | Promise<Server>> = {
    'node:http': (handle) => createServer(handle).listen(0, '127.0.0.1'),
    'Express 5': (handle) => express().use(handle).listen(0, '127.0.0.1'),
    'Express 5 that parses JSON': (handle) =>
      express().use(express.json()).use(handle).listen(0, '127.0.0.1'),
    'Express 5 that parses everything to bytes': (handle) =>
      express()
        .use(express.raw({ type: '*/*' }))
        .use(handle)
        .listen(0, '127.0.0.1'),
    'Express 5 that parses everything to text': (handle) =>
      express()
        .use(express.text({ type: '*/*' }))
        .use(handle)
        .listen(0, '127.0.0.1'),
    'Express 4': (handle) => express4().use(handle).listen(0, '127.0.0.1'),
    'Express 4 that parses JSON': (handle) =>
      express4().use(express4.json()).use(handle).listen(0, '127.0.0.1'),
    'Express 4 that parses forms, and sets {} on all else': (handle) =>
      express4()
        .use(express4.urlencoded({ extended: false }))
        .use(handle)
        .listen(0, '127.0.0.1'),
    Fastify: async (handle) => {
      const app = fastify()
      app.all('/*', (incoming, reply) => {
        reply.hijack()
        Object.assign(incoming.raw, { body: incoming.body })
        handle(incoming.raw, reply.raw)
      })
      await app.listen({ port: 0, host: '127.0.0.1' })
      return app.server
    },
  }

  test.each(Object.entries(frameworks))('gets the body of %s', async (_, serve) => {
    await using server = await FakeServer.start({ options })
    const handle: Handle = (...args) => void server.handler.handle(...args)
    const answer = await changed(await serve(handle))
    expect([answer.status, answer.json], answer.text).toEqual([200, { done: true }])
    expect(server.fakes.taken()).toEqual([['spec', 'ns/name', 'retry', body, 'control']])
  })

  test('says what to do where the body was read and is nowhere', async () => {
    await using server = await FakeServer.start({ options })
    const served = createServer((incoming, response) => {
      incoming.resume().on('end', () => void server.handler.handle(incoming, response))
    }).listen(0, '127.0.0.1')
    const answer = await changed(served)
    expect([answer.status, answer.json!.message]).toEqual([
      400,
      'body: expected a JSON object; it has been read before: set body of the request to what was read',
    ])
  })

  test('leaves paths that are not its own to what comes next', async () => {
    await using server = await FakeServer.start({ options: { basePath: '/ops' } })
    const app = express()
      .use((...args) => void server.handler.handle(...args))
      .get('/hello', (_, response) => void response.send('hello'))
      .listen(0, '127.0.0.1')
    await once(app, 'listening')
    const { port } = app.address() as AddressInfo
    expect((await ask(port, { path: '/hello' })).text).toBe('hello')
    expect((await ask(port, { path: '/ops/api/v1/state' })).status).toBe(200)
    expect((await ask(port, { path: '/livez' })).json).toEqual({ ok: true, reasons: [] })
    app.closeAllConnections()
    app.close()
  })

  test('is served under the path where Express has mounted it', async () => {
    await using server = await FakeServer.start({ options })
    const app = express()
      .use('/admin', (...args) => void server.handler.handle(...args))
      .listen(0, '127.0.0.1')
    await once(app, 'listening')
    const { port } = app.address() as AddressInfo
    expect((await ask(port, { path: '/admin/api/v1/state' })).status).toBe(200)
    app.closeAllConnections()
    app.close()
  })
})
