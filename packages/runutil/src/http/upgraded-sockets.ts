import type { NodeHttpServer } from './node-http-server.ts'

interface Socket {
  destroy(): void
  on(event: 'close', listener: () => void): unknown
}

/** The events of a WebSocket and of a tunnel. */
const UPGRADES = ['upgrade', 'connect'] as const

/**
 * Tracks connections that have left HTTP, such as WebSockets: the server passes them to a listener, and neither counts nor closes
 * them.
 *
 * Node emits the event only if it has listeners, and otherwise handles the upgrade as an ordinary request. So this class listens
 * only while there are other listeners.
 */
export class UpgradedSockets {
  readonly #server: NodeHttpServer
  readonly #sockets = new Set<Socket>()
  readonly #listensTo = new Set<string>()
  #isClosed = false

  constructor(server: NodeHttpServer) {
    this.#server = server
    this.listen()
  }

  /** Call this again at each connection, since other listeners may have been added or removed. */
  listen(): void {
    for (const event of UPGRADES) {
      const listens = this.#listensTo.has(event)
      const hasOthers = this.#server.listenerCount(event) > (listens ? 1 : 0)
      if (hasOthers && !listens) this.#server.prependListener(event, this.#upgraded)
      if (!hasOthers && listens) this.#server.off(event, this.#upgraded)
      if (hasOthers) this.#listensTo.add(event)
      else this.#listensTo.delete(event)
    }
  }

  /** Closes all upgraded connections, and further ones as they arrive. */
  close(): void {
    this.#isClosed = true
    for (const socket of this.#sockets) socket.destroy()
  }

  detach(): void {
    for (const event of UPGRADES) this.#server.off(event, this.#upgraded)
  }

  readonly #upgraded = (_request: unknown, socket: Socket): void => {
    if (this.#isClosed) return socket.destroy()
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
  }
}
