import express, { type Express } from 'express'
import express4 from 'express4'
import fastify from 'fastify'
import { once } from 'node:events'
import { type RequestListener, type Server, createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type WorkerGroupError, errorIs, runAllWorkers } from 'runutil'
import { type HttpServerOptions, PortInUseError, httpServer } from 'runutil/http'
import { Probe } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { certificate } from '../support/http/certificate.ts'
import { HOST, KeepAliveClient } from '../support/http/client.ts'
import { capturedLogger } from '../support/logs.ts'
import { failureOf } from '../support/outcome.ts'

/** An app with two routes: / answers immediately, /slow after `slow` lets it. */
interface Service {
  readonly app: Parameters<typeof httpServer>[0]
  readonly server: () => Server | undefined
  readonly ca?: string
  readonly close?: () => Promise<void>
}

class Slow {
  readonly asked = new Probe('a request')
  readonly go = new Probe('permission to answer')

  async answer(): Promise<string> {
    this.asked.hit()
    await this.go.times(1)
    return 'done'
  }
}

const services: Record<string, (slow: Slow) => Service | Promise<Service>> = {
  'Express 5': (slow) => listening(routed(express(), slow)),
  'Express 4': (slow) => listening(routed(express4() as unknown as Express, slow)),
  'Express 5 in a node:http server': (slow) =>
    given(createServer(routed(express(), slow) as RequestListener)),
  'Express 5 in a node:https server': async (slow) => {
    const { key, cert } = await certificate()
    const handler = routed(express(), slow) as RequestListener
    return { ...given(createTlsServer({ key, cert }, handler)), ca: cert }
  },
  Fastify: (slow) => {
    const app = fastify()
    app.get('/', () => 'hello')
    app.get('/slow', () => slow.answer())
    return { app, server: () => app.server, close: () => app.close() }
  },
  'Fastify with TLS': async (slow) => {
    const { key, cert } = await certificate()
    const app = fastify({ https: { key, cert } })
    app.get('/', () => 'hello')
    app.get('/slow', () => slow.answer())
    return { app, server: () => app.server, ca: cert, close: () => app.close() }
  },
}

function routed(app: Express, slow: Slow): Express {
  app.get('/', (_, response) => void response.send('hello'))
  app.get('/slow', (_, response) => void slow.answer().then((text) => response.send(text)))
  return app
}

function given(server: Server): Service {
  return { app: server, server: () => server }
}

/** An app that creates its server when it listens. */
function listening(app: Express): Service {
  let made: Server | undefined
  const listen = (port: number, host: string): Server => (made = app.listen(port, host))
  return { app: { listen }, server: () => made }
}

class Running {
  readonly stop = new AbortController()
  readonly run: Promise<void>
  readonly #service: Service

  constructor(service: Service, options: Partial<HttpServerOptions>) {
    this.#service = service
    const worker = httpServer(service.app, { port: 0, host: HOST, ...options })
    const { logger } = capturedLogger()
    this.run = runAllWorkers([{ name: 'Http', worker }], this.stop.signal, { logger })
  }

  async client(): Promise<KeepAliveClient> {
    await expect.poll(() => this.#service.server()?.listening).toBe(true)
    const { port } = this.#service.server()!.address() as AddressInfo
    return new KeepAliveClient(port, this.#service.ca)
  }

  async stopped(): Promise<void> {
    this.stop.abort()
    await expect.poll(() => this.#service.server()?.listening).toBe(false)
  }
}

describe.each(Object.entries(services))('%s', (_, make) => {
  test('answers running requests and those that still arrive on open connections, and closes these', async () => {
    const slow = new Slow()
    const service = await make(slow)
    const running = new Running(service, { keepAliveGrace: '1h' })
    const kept = await running.client()
    const busy = await running.client()
    expect(await kept.ask('/')).toEqual({ text: 'hello', connection: 'keep-alive' })
    const answer = busy.ask('/slow')
    await slow.asked.times(1)
    await running.stopped()
    expect(await kept.ask('/')).toEqual({ text: 'hello', connection: 'close' })
    slow.go.hit()
    expect(await answer).toEqual({ text: 'done', connection: 'close' })
    await running.run
    await service.close?.()
  })

  test('closes idle connections', async () => {
    const service = await make(new Slow())
    const running = new Running(service, { keepAliveGrace: 0 })
    const client = await running.client()
    await client.ask('/')
    await expect.poll(() => client.kept).toBe(1)
    running.stop.abort()
    await running.run
    await expect.poll(() => client.kept).toBe(0)
    await service.close?.()
  })

  test('fails with a PortInUseError if the port is in use', async () => {
    const other = createServer().listen(0, HOST)
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const service = await make(new Slow())
    const failed = await failureOf<WorkerGroupError>(new Running(service, { port }).run)
    expect(errorIs(failed, PortInUseError)).toBe(true)
    expect(failed.message).toBe(
      `/Http: port ${port} of ${HOST} is in use; stop what listens there, or choose another`,
    )
    await service.close?.()
    other.close()
  })
})
