import type { EventEmitter } from 'node:events'
import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'

/** The part of a `node:http` or `node:https` server that is used. */
export interface NodeHttpServer extends Pick<
  EventEmitter,
  'on' | 'off' | 'prependListener' | 'listenerCount'
> {
  readonly listening: boolean
  /** Begins to listen; the events `listening` or `error` tell how that went. */
  listen(options: { port: number; host?: string }): unknown
  /** Accepts no new connections; the event `close` comes when the last one has ended. */
  close(): unknown
  /** Closes connections that have no request running. */
  closeIdleConnections(): void
}

/** An app that already has its server, as Fastify's. */
export interface HttpApp {
  /** The server that the app answers on; `httpServer` calls its `listen`, not that of the app. */
  readonly server: NodeHttpServer
  /** Awaited before the server listens: plugins are loaded by then. */
  ready(): PromiseLike<unknown>
}

/** An app that creates its server when it listens, as those of Express and Koa. */
export interface HttpListener {
  /** Makes a server and begins to listen. `host` is left out for all addresses. */
  listen(port: number, host: string): NodeHttpServer
}

/** Starts to listen, and resolves with the listening server. */
export interface ListeningPlan {
  listen(port: number, host: string | undefined): Promise<NodeHttpServer>
}

/** @throws InvalidArgumentError */
export function toListeningPlan(given: NodeHttpServer | HttpApp | HttpListener, what: string): ListeningPlan {
  if (isServer(given)) return { listen: (port, host) => listenOn(given, port, host) }
  if (isApp(given)) {
    return {
      async listen(port, host) {
        await given.ready()
        return listenOn(given.server, port, host)
      },
    }
  }
  // A bare function, `(request, response) => …`, can't listen.
  if (has(given, 'listen') || typeof (given as { listen?: unknown } | undefined)?.listen === 'function') {
    return { listen: (port, host) => listenBy(given, port, host) }
  }
  const hint = typeof given === 'function' ? '; wrap it in createServer() of node:http' : ''
  throw unexpected(what, 'a server of node:http or node:https, or an app of Fastify or Express', given, hint)
}

function isServer(given: object): given is NodeHttpServer {
  return has(given, 'listen') && has(given, 'closeIdleConnections') && has(given, 'prependListener')
}

function isApp(given: object): given is HttpApp {
  return has(given, 'ready') && isServer((given as Partial<HttpApp>).server ?? {})
}

async function listenOn(
  server: NodeHttpServer,
  port: number,
  host: string | undefined,
): Promise<NodeHttpServer> {
  await untilListening(server, () => server.listen(host === undefined ? { port } : { port, host }))
  return server
}

async function listenBy(app: HttpListener, port: number, host: string | undefined): Promise<NodeHttpServer> {
  const server =
    host === undefined
      ? (app as { listen(port: number): NodeHttpServer }).listen(port)
      : app.listen(port, host)
  await untilListening(server, () => {})
  return server
}

/** @throws the error of the server's 'error' event */
function untilListening(server: NodeHttpServer, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      server.off('listening', listening)
      server.off('error', failed)
    }
    const listening = (): void => {
      leave()
      resolve()
    }
    const failed = (error: Error): void => {
      leave()
      reject(error)
    }
    server.on('listening', listening)
    server.on('error', failed)
    try {
      listen()
    } catch (error) {
      leave()
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as it was thrown
      reject(error)
    }
  })
}
