import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import express from 'express'
import express4 from 'express4'
import fastify from 'fastify'
import { createServer } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { OpsOptions } from '../../packages/runutil/src/ops/ops-options.ts'
import { OpsServer } from '../../packages/runutil/src/ops/ops-server.ts'
import { FakeServer } from '../support/ops/fake-server.ts'
import { ask } from '../support/ops/raw-client.ts'

describe('the page', () => {
  test.each([
    ['/', 'text/html; charset=utf-8', '<!doctype html>'],
    ['/?view=queue&kind=mail&createdAt.gte=2030-01-31', 'text/html; charset=utf-8', '<!doctype html>'],
    ['/page.js', 'text/javascript; charset=utf-8', 'EventSource'],
    ['/page.css', 'text/css; charset=utf-8', 'prefers-color-scheme'],
    ['/icon.svg', 'image/svg+xml', '<svg'],
  ])('is served without a token, but to no host that is not known: %s', async (path, type, part) => {
    await using server = await FakeServer.start({ options: { readToken: 'read' } })
    const answer = await server.get(path)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe(type)
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'")
    expect(answer.text).toContain(part)
    expect((await server.get(path, { host: 'evil.example' })).status).toBe(421)
  })

  test('has nothing inline, and no address of another host', async () => {
    await using server = await FakeServer.start()
    const { text } = await server.get('/')
    expect(text).not.toMatch(/ style=|<style|<script>| on\w+=/)
    const addresses = [...text.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, address]) => address)
    expect(addresses).toEqual(['icon.svg', 'page.css', 'page.js'])
  })

  test('is compressed for whoever takes that', async () => {
    await using server = await FakeServer.start()
    const plain = await fetch(`http://127.0.0.1:${server.port}/page.js`, {
      headers: { 'accept-encoding': 'identity' },
    })
    for (const [coding, encoding] of [
      ['gzip', 'gzip'],
      ['br, gzip;q=0.5', 'gzip'],
      ['gzip;q=0', undefined],
      ['br', undefined],
    ] as const) {
      const { headers } = await server.get('/page.js', { 'accept-encoding': coding })
      expect([coding, headers['content-encoding'], headers['vary']]).toEqual([
        coding,
        encoding,
        'accept-encoding',
      ])
    }
    const answer = await fetch(`http://127.0.0.1:${server.port}/page.js`)
    const text = await plain.text()
    expect(await answer.text()).toBe(text)
    expect(Number(answer.headers.get('content-length'))).toBeLessThan(text.length / 2)
  })

  test('is answered to HEAD without a body, and to no other method', async () => {
    await using server = await FakeServer.start()
    const head = await ask(server.port, { method: 'HEAD', path: '/page.js' })
    expect([head.status, head.text]).toEqual([200, ''])
    expect(Number(head.headers['content-length'])).toBeGreaterThan(1_000)
    expect((await ask(server.port, { method: 'POST', path: '/' })).status).toBe(405)
  })

  test('is at the base path only', async () => {
    await using server = await FakeServer.start({ options: { basePath: '/ops' } })
    expect((await server.get('/ops/')).text).toContain('<!doctype html>')
    expect((await server.get('/ops/page.js')).status).toBe(200)
    expect((await server.get('/')).status).toBe(404)
    expect((await server.get('/page.js')).status).toBe(404)
  })

  test('is not served without the option, nor without the API', async () => {
    for (const options of [{ page: false }, { api: false }]) {
      await using server = await FakeServer.start({ options })
      for (const path of ['/', '/page.js', '/page.css', '/icon.svg']) {
        expect((await server.get(path)).status).toBe(404)
      }
    }
  })
})

describe('a base path without its slash', () => {
  const location = async (port: number, path: string): Promise<unknown> => {
    const { status, headers } = await ask(port, { path })
    return [status, headers['location']]
  }

  test('leads to the one with it, by an address that a proxy needn’t know of', async () => {
    await using server = await FakeServer.start({ options: { basePath: '/a/ops' } })
    expect(await location(server.port, '/a/ops')).toEqual([308, './ops/'])
    expect(await location(server.port, '/a/ops?view=queue&a=?')).toEqual([308, './ops/?view=queue&a=?'])
  })

  test.each([
    ['Express 5', express],
    ['Express 4', express4],
  ])('leads there where it is mounted in %s', async (_, framework) => {
    const app = (framework as typeof express)()
    app.use('/mounted', handlerOf({}))
    const server = createServer(app as never).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const { port } = server.address() as AddressInfo
      expect(await location(port, '/mounted')).toEqual([308, './mounted/'])
      expect(await location(port, '/mounted?view=tree')).toEqual([308, './mounted/?view=tree'])
      expect((await ask(port, { path: '/mounted/' })).text).toContain('<!doctype html>')
      expect((await ask(port, { path: '/mounted/page.js' })).status).toBe(200)
    } finally {
      server.close()
    }
  })

  test('leads there where it is mounted in Fastify', async () => {
    const app = fastify()
    const handler = handlerOf({ basePath: '/mounted' })
    for (const path of ['/mounted', '/mounted/*']) {
      app.all(path, (request, reply) => {
        reply.hijack()
        handler(request.raw, reply.raw)
      })
    }
    await app.listen({ port: 0, host: '127.0.0.1' })
    try {
      const { port } = app.server.address() as AddressInfo
      expect(await location(port, '/mounted')).toEqual([308, './mounted/'])
      expect((await ask(port, { path: '/mounted/' })).text).toContain('<!doctype html>')
      const answer = await ask(port, { path: '/mounted/icon.svg', headers: { 'accept-encoding': 'gzip' } })
      expect(answer.headers['content-encoding']).toBe('gzip')
    } finally {
      await app.close()
    }
  })
})

describe('who calls', () => {
  test('is told to anybody: by their address, a token or a session', async () => {
    await using server = await FakeServer.start({ options: { token: 'write', readToken: 'read' } })
    const who = async (headers = {}): Promise<unknown> => (await server.get('/api/v1/session', headers)).json
    const nobody = { role: 'none', name: '127.0.0.1', session: false, tokens: true }
    expect(await who()).toEqual(nobody)
    expect(await who({ authorization: 'Bearer read' })).toEqual({
      role: 'read',
      name: '127.0.0.1 with a token',
      session: false,
      tokens: true,
    })
    const { headers } = await server.post('/api/v1/session', { token: 'write' })
    const cookie = headers['set-cookie']![0]!.split(';')[0]!
    expect(await who({ cookie })).toEqual({
      role: 'control',
      name: '127.0.0.1 with a session',
      session: true,
      tokens: true,
    })
    expect((await server.get('/api/v1/session', { host: 'evil.example' })).status).toBe(421)
  })

  test('is by no session that does not hold, such as one of another server', async () => {
    await using server = await FakeServer.start({ options: { token: 'write' } })
    const { json } = await server.get('/api/v1/session', { cookie: 'runutil-00000000=1.x' })
    expect(json).toMatchObject({ role: 'read', session: false })
  })

  test('is asked of authorize, where no token helps', async () => {
    const authorize = () => ({ role: 'read', name: 'jo' }) as const
    await using server = await FakeServer.start({ options: { authorize } })
    expect((await server.get('/api/v1/session')).json).toEqual({
      role: 'read',
      name: 'jo',
      session: false,
      tokens: false,
    })
  })

  test('is told as slowly to whoever guesses as anything else', async () => {
    await using server = await FakeServer.start({ options: { token: 'write', readToken: 'read' } })
    const began = performance.now()
    const { json } = await server.get('/api/v1/session', { authorization: 'Bearer guess' })
    expect(json).toMatchObject({ role: 'none' })
    expect(performance.now() - began).toBeGreaterThan(95)
  })
})

test('a page without the API is refused', () => {
  expect(() => new OpsServer({ api: false, page: true })).toThrow(
    'OpsServer: page: expected false, or nothing, with api: false, which the page shows; got true',
  )
})

function handlerOf(options: OpsOptions): ReturnType<OpsServer['handler']> {
  return new OpsServer(options).handler()
}
