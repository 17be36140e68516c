import type { NodeHttpServer } from './node-http-server.ts'
import { UpgradedSockets } from './upgraded-sockets.ts'

interface Socket {
  readonly bytesRead: number
  readonly encrypted?: boolean
  destroy(): void
  on(event: 'close', listener: () => void): unknown
}

interface Response {
  readonly headersSent: boolean
  setHeader(name: string, value: string): unknown
  on(event: 'close', listener: () => void): unknown
}

/**
 * Tracks a server's connections and the requests that run on them, so that it can be stopped without cutting off a request.
 *
 * open ─► closing, where each response has `Connection: close` ─► draining, where idle and upgraded connections are closed
 * too.
 */
export class Connections {
  readonly #server: NodeHttpServer
  readonly #sockets = new Set<Socket>()
  readonly #running = new Set<Response>()
  /** Connections that have carried a request. */
  readonly #used = new WeakSet<Socket>()
  readonly #upgraded: UpgradedSockets
  #phase: 'open' | 'closing' | 'draining' = 'open'

  constructor(server: NodeHttpServer) {
    this.#server = server
    this.#upgraded = new UpgradedSockets(server)
    server.on('connection', this.#connected)
    server.on('secureConnection', this.#connected)
    server.prependListener('request', this.#requested)
  }

  /** How many requests have no complete response yet. */
  get running(): number {
    return this.#running.size
  }

  /** Accepts no new connections. Requests that arrive on open ones are still answered. */
  stopAccepting(): void {
    this.#phase = 'closing'
    for (const response of this.#running) sendConnectionClose(response)
    // Node's close() also closes idle connections, and would cut off a request that is just arriving on one.
    const server = this.#server as { closeIdleConnections?: () => void }
    server.closeIdleConnections = () => {}
    this.#server.close()
    delete server.closeIdleConnections
  }

  /** Closes connections without a running request, now and whenever a request has ended. */
  closeIdle(): void {
    this.#phase = 'draining'
    this.#upgraded.close()
    this.#server.closeIdleConnections()
    for (const socket of this.#sockets) if (this.#isUnused(socket)) socket.destroy()
  }

  /** Node counts a connection that has sent nothing as busy. How much an encrypted one has sent is unknown. */
  #isUnused(socket: Socket): boolean {
    return !this.#used.has(socket) && (socket.bytesRead === 0 || socket.encrypted === true)
  }

  /** Closes all connections, and so cuts off running requests. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  detach(): void {
    this.#upgraded.detach()
    this.#server.off('connection', this.#connected)
    this.#server.off('secureConnection', this.#connected)
    this.#server.off('request', this.#requested)
  }

  readonly #connected = (socket: Socket): void => {
    this.#upgraded.listen()
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
  }

  readonly #requested = (request: { readonly socket: Socket }, response: Response): void => {
    this.#used.add(request.socket)
    this.#running.add(response)
    if (this.#phase !== 'open') sendConnectionClose(response)
    response.on('close', () => {
      this.#running.delete(response)
      // If its headers were sent before the stop, the connection is kept alive and now idle.
      if (this.#phase === 'draining') this.#server.closeIdleConnections()
    })
  }
}

function sendConnectionClose(response: Response): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
}
