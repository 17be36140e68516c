import { once } from 'node:events'
import { type Server, createServer, request } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { runAllWorkers } from 'runutil'
import { httpServer } from 'runutil/http'
import { describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { certificate } from '../support/http/certificate.ts'
import { HOST, KeepAliveClient } from '../support/http/client.ts'
import { untilAbort } from '../support/outcome.ts'

const servers: Record<string, () => Promise<{ server: Server; scheme: string; ca?: string }>> = {
  'node:http': async () => ({ server: createServer(), scheme: 'ws' }),
  'node:https': async () => {
    const { key, cert } = await certificate()
    return { server: createTlsServer({ key, cert }), scheme: 'wss', ca: cert }
  },
}

/** Runs it without a grace period, so that only keepAliveGrace ends a connection that hangs. */
async function started(
  server: Server,
  keepAliveGrace: number | string,
  beside: (signal: AbortSignal) => Promise<void> = untilAbort,
): Promise<{ port: number; stop: AbortController; run: Promise<void> }> {
  const stop = new AbortController()
  const run = runAllWorkers(
    [httpServer(server, { port: 0, host: HOST, keepAliveGrace }), beside],
    stop.signal,
  )
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, stop, run }
}

describe.each(Object.entries(servers))('a WebSocket of a server of %s', (_, make) => {
  test('is closed after keepAliveGrace if nothing else closes it', async () => {
    const { server, scheme, ca } = await make()
    const sockets = new WebSocketServer({ server })
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
    const { port, stop, run } = await started(server, 20)
    const client = new WebSocket(`${scheme}://${HOST}:${port}`, { ca })
    await once(client, 'open')
    client.send('hello')
    expect(String((await once(client, 'message'))[0])).toBe('hello')
    const closed = once(client, 'close')
    stop.abort()
    await run
    expect((await closed)[0]).toBe(1006)
    expect(server.listenerCount('upgrade')).toBe(1)
  })

  test('ends with the close code of the app, whereupon the stop continues immediately', async () => {
    const { server, scheme, ca } = await make()
    const sockets = new WebSocketServer({ server })
    const { port, stop, run } = await started(server, '1h', async (signal) => {
      await untilAbort(signal)
      for (const socket of sockets.clients) socket.close(1001, 'restarting')
    })
    const client = new WebSocket(`${scheme}://${HOST}:${port}`, { ca })
    await once(client, 'open')
    const closed = once(client, 'close')
    stop.abort()
    await run
    expect((await closed).map(String)).toEqual(['1001', 'restarting'])
  })
})

test('a tunnel does not prevent the server from stopping, even if its listener was added late', async () => {
  const server = createServer()
  const { port, stop, run } = await started(server, 20)
  server.on('connect', (_, socket: Socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
  const asked = request({ host: HOST, port, method: 'CONNECT', path: 'example.org:443' }).end()
  const [, tunnel] = (await once(asked, 'connect')) as [unknown, Socket]
  tunnel.on('error', () => {}).resume()
  stop.abort()
  await run
  await once(tunnel, 'close')
  expect(server.listenerCount('connect')).toBe(1)
})

test('a server without an upgrade listener answers upgrades as ordinary requests', async () => {
  const server = createServer((_, response) => response.end('hello'))
  const { port, stop, run } = await started(server, 0)
  const headers = { connection: 'upgrade', upgrade: 'websocket' }
  expect((await new KeepAliveClient(port).ask('/', headers)).text).toBe('hello')
  stop.abort()
  await run
})

test('a server whose last upgrade listener was removed answers upgrades as ordinary requests again', async () => {
  const server = createServer((_, response) => response.end('hello'))
  const sockets = new WebSocketServer({ server })
  const { port, stop, run } = await started(server, 0)
  const client = new WebSocket(`ws://${HOST}:${port}`)
  await once(client, 'open')
  client.terminate()
  sockets.close()
  const headers = { connection: 'upgrade', upgrade: 'websocket' }
  expect((await new KeepAliveClient(port).ask('/', headers)).text).toBe('hello')
  stop.abort()
  await run
})
