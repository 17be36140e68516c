import type { NodeHttpServer } from './node-http-server.ts'

interface Socket {
  destroy(): void
  on(event: 'close', listener: () => void): unknown
}

/** That of a WebSocket, and that of a tunnel. */
const UPGRADES = ['upgrade', 'connect'] as const

/**
 * Connections that have left HTTP, such as WebSockets: the server has handed them to a listener, and neither counts nor closes them.
 *
 * Node hands one over only where somebody listens, and answers it as any other request where nobody does. So this listens only as
 * long as others do.
 */
export class UpgradedSockets {
  readonly #server: NodeHttpServer
  readonly #sockets = new Set<Socket>()
  readonly #heard = new Set<string>()
  #isClosed = false

  constructor(server: NodeHttpServer) {
    this.#server = server
    this.listen()
  }

  /** To be called again with each connection: the listeners beside it may have come or gone. */
  listen(): void {
    for (const event of UPGRADES) {
      const isHeard = this.#heard.has(event)
      const hasOthers = this.#server.listenerCount(event) > (isHeard ? 1 : 0)
      if (hasOthers && !isHeard) this.#server.prependListener(event, this.#upgraded)
      if (!hasOthers && isHeard) this.#server.off(event, this.#upgraded)
      if (hasOthers) this.#heard.add(event)
      else this.#heard.delete(event)
    }
  }

  /** Closes all, and those that still come. */
  close(): void {
    this.#isClosed = true
    for (const socket of this.#sockets) socket.destroy()
  }

  leave(): void {
    for (const event of UPGRADES) this.#server.off(event, this.#upgraded)
  }

  readonly #upgraded = (_request: unknown, socket: Socket): void => {
    if (this.#isClosed) return socket.destroy()
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
  }
}
