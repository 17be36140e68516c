import { once } from 'node:events'
import { type RequestListener, type Server, createServer } from 'node:http'
import { type AddressInfo, type Socket, connect } from 'node:net'
import {
  InvalidArgumentError,
  type WorkerGroupError,
  backoff,
  errorIs,
  healthSnapshot,
  runAllWorkers,
} from 'runutil'
import { HostNotFoundError, type HttpServerOptions, PortInUseError, httpServer } from 'runutil/http'
import { Probe } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf } from '../support/outcome.ts'

const host = '127.0.0.1'

/** A server that runs as a worker, on any free port. */
class Running {
  readonly server: Server
  readonly stop = new AbortController()
  readonly log = capturedLogger()
  readonly run: Promise<void>

  constructor(answer: RequestListener, options: Partial<HttpServerOptions> = {}, grace?: string) {
    this.server = createServer(answer)
    const worker = httpServer(this.server, { port: 0, host, ...options })
    const limits = grace === undefined ? {} : { grace }
    this.run = runAllWorkers([{ name: 'Http', worker }], this.stop.signal, {
      logger: this.log.logger,
      ...limits,
    })
  }

  async listening(): Promise<this> {
    if (!this.server.listening) await once(this.server, 'listening')
    return this
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  async connect(): Promise<Connection> {
    const socket = connect(this.port, host)
    await once(socket, 'connect')
    return new Connection(socket)
  }

  /** A connection on which it handles a request that has hit `asked`. */
  async asking(asked: Probe): Promise<Connection> {
    await this.listening()
    const connection = await this.connect()
    connection.send()
    await asked.times(1)
    return connection
  }

  /** Aborts its signal, and resolves when it no longer listens. */
  async stopListening(): Promise<void> {
    this.stop.abort()
    await expect.poll(() => this.server.listening).toBe(false)
  }
}

/** A kept-alive connection of a client. */
class Connection {
  readonly closed: Promise<unknown>
  readonly #socket: Socket
  #received = ''
  readonly #probe = new Probe('an answer')

  constructor(socket: Socket) {
    this.#socket = socket
    this.closed = once(socket, 'close')
    socket.on('data', (data) => {
      this.#received += String(data)
      if (this.#received.endsWith('done')) this.#probe.hit()
    })
    socket.on('error', () => {})
  }

  send(path = '/'): void {
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  }

  async answer(nth: number): Promise<string> {
    await this.#probe.times(nth)
    const answer = this.#received
    this.#received = ''
    return answer
  }
}

describe('a server as a worker', () => {
  test('is healthy once it listens, and ends when its signal aborts', async () => {
    const snapshots: unknown[] = []
    const server = createServer((_, response) => {
      snapshots.push(healthSnapshot())
      response.end('done')
    })
    const stop = new AbortController()
    const run = runAllWorkers([{ name: 'Http', worker: httpServer(server, { port: 0, host }) }], stop.signal)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    expect(await (await fetch(`http://${host}:${port}`)).text()).toBe('done')
    stop.abort()
    await run
    expect(snapshots).toEqual([{ '/Http': 'ok' }])
    expect([server.listening, server.listenerCount('request'), server.listenerCount('connection')]).toEqual([
      false,
      1,
      1,
    ])
    await expect(fetch(`http://${host}:${port}`)).rejects.toThrow()
  })

  test('completes running requests when its signal aborts, with connection: close', async () => {
    const asked = new Probe('a request')
    const go = new Probe('permission to answer')
    const running = new Running((_, response) => {
      asked.hit()
      void go.times(1).then(() => response.end('done'))
    })
    const connection = await running.asking(asked)
    await running.stopListening()
    go.hit()
    expect(await connection.answer(1)).toMatch(/connection: close/i)
    await connection.closed
    await running.run
  })

  test('answers a request that is in transit on an open connection', async () => {
    const running = new Running((_, response) => response.end('done'), { keepAliveGrace: '1h' })
    await running.listening()
    const connection = await running.connect()
    connection.send()
    expect(await connection.answer(1)).toMatch(/connection: keep-alive/i)
    await running.stopListening()
    connection.send()
    expect(await connection.answer(2)).toMatch(/connection: close/i)
    await connection.closed
    await running.run
  })

  test.each([0, '50ms'])('closes idle connections after keepAliveGrace: %s', async (keepAliveGrace) => {
    const running = new Running((_, response) => response.end('done'), { keepAliveGrace })
    await running.listening()
    const used = await running.connect()
    const unused = await running.connect()
    used.send()
    await used.answer(1)
    running.stop.abort()
    await running.run
    await Promise.all([used.closed, unused.closed])
  })

  test('closes a connection after its request, even if the response promised keep-alive', async () => {
    const asked = new Probe('a request')
    const go = new Probe('permission to answer')
    const running = new Running(
      (_, response) => {
        response.write('part')
        asked.hit()
        void go.times(1).then(() => response.end())
      },
      { keepAliveGrace: 0 },
    )
    const connection = await running.asking(asked)
    await running.stopListening()
    go.hit()
    await connection.closed
    await running.run
  })

  test('aborts requests that exceed its grace, and logs that', async () => {
    const asked = new Probe('a request')
    const running = new Running(() => asked.hit(), {}, '500ms')
    const connection = await running.asking(asked)
    running.stop.abort()
    await running.run
    await connection.closed
    expect(running.log.lines).toContainEqual(
      expect.objectContaining({ level: 40, worker: '/Http', running: 1 }),
    )
  })

  test('listens again after a restart', async () => {
    const server = createServer((_, response) => response.end('done'))
    const stop = new AbortController()
    const { logger } = capturedLogger()
    const entry = {
      name: 'Http',
      worker: httpServer(server, { port: 0, host, keepAliveGrace: 0 }),
      retry: backoff(1),
    }
    const run = runAllWorkers([entry], stop.signal, { logger })
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    await once(server, 'listening')
    stop.abort()
    await run
  })

  test('never listens if its signal has aborted', async () => {
    const server = createServer()
    await httpServer(server, { port: 0 }).run(AbortSignal.abort())
    expect(server.listening).toBe(false)
  })

  test('may be an app that listens itself, such as Express, or has a server, such as Fastify', async () => {
    const handler: RequestListener = (_, response) => response.end('done')
    let made: Server | undefined
    const express = Object.assign(handler.bind(null), {
      listen: (port: number, name: string) => (made = createServer(handler).listen(port, name)),
    })
    let isReady = false
    const fastify = { server: createServer(handler), ready: async () => (isReady = true) }
    for (const [app, server] of [
      [express, () => made!],
      [fastify, () => fastify.server],
    ] as const) {
      const stop = new AbortController()
      const run = runAllWorkers([httpServer(app, { port: 0, host, keepAliveGrace: 0 })], stop.signal)
      await expect.poll(() => server()?.listening).toBe(true)
      const { port } = server().address() as AddressInfo
      expect(await (await fetch(`http://${host}:${port}`, { headers: { connection: 'close' } })).text()).toBe(
        'done',
      )
      stop.abort()
      await run
    }
    expect(isReady).toBe(true)
  })
})

describe('a server that cannot listen', () => {
  test('fails with a PortInUseError', async () => {
    const other = createServer().listen(0, host)
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const failed = await failureOf<WorkerGroupError>(
      runAllWorkers([httpServer(createServer(), { port, host })]),
    )
    expect(failed.errors[0]).toMatchObject({ name: 'PortInUseError', code: 'ERR_PORT_IN_USE', port, host })
    expect(errorIs(failed, PortInUseError)).toBe(true)
    expect(failed.message).toContain(`port ${port} of ${host} is in use`)
    other.close()
  })

  test.each(['no-such-host.invalid', '203.0.113.1'])('fails with a HostNotFoundError: %s', async (name) => {
    const failed = await failureOf<WorkerGroupError>(
      runAllWorkers([httpServer(createServer(), { port: 0, host: name })]),
    )
    expect(failed.errors[0]).toMatchObject({
      name: 'HostNotFoundError',
      code: 'ERR_HOST_NOT_FOUND',
      host: name,
    })
    expect(errorIs(failed, HostNotFoundError)).toBe(true)
  })

  test.each<[string, () => unknown, RegExp]>([
    [
      'no server',
      () => httpServer(undefined as never, { port: 1 }),
      /^httpServer: expected a server of node:http/,
    ],
    ['a handler', () => httpServer((() => {}) as never, { port: 1 }), /wrap it in createServer\(\)/],
    [
      'no port',
      () => httpServer(createServer(), {} as never),
      /^httpServer: port: expected a whole number from 0 to 65535; got undefined/,
    ],
    ['an invalid port', () => httpServer(createServer(), { port: 70_000 }), /got 70000/],
    ['no host', () => httpServer(createServer(), { port: 1, host: '' }), /^httpServer: host/],
    ['no options', () => httpServer(createServer(), undefined as never), /expected an options object/],
    [
      'a misspelt option',
      () => httpServer(createServer(), { port: 1, hots: 'a' } as never),
      /did you mean 'host'/,
    ],
  ])('is rejected at the call: %s', (_, call, message) => {
    expect(call).toThrow(InvalidArgumentError)
    expect(call).toThrow(message)
  })

  test('is rejected at the call if it is already listening', async () => {
    const server = createServer().listen(0, host)
    await once(server, 'listening')
    expect(() => httpServer(server, { port: 1 })).toThrow(/does not listen yet/)
    server.close()
  })
})
