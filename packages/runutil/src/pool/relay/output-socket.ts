import { type Server, type Socket, connect, createServer } from 'node:net'
import { ReadBuffer } from './read-buffer.ts'
import { SocketPlace } from './socket-place.ts'

/**
 * A pair of connected unix sockets: one for a process's stdout, one for its parent. A child's own stdout pipe gives each read
 * 64 KiB to allocate, so that a larger answer comes in pieces that have to be joined; here the parent chooses the buffers.
 */
export class OutputSocket {
  /** What the process writes, in events `data`. */
  readonly input: Socket
  #childEnd: Socket | undefined

  constructor(input: Socket, childEnd: Socket) {
    this.input = input
    this.#childEnd = childEnd
    childEnd.on('error', () => {})
  }

  /** For the stdio of `spawn`; undefined once it is handed over or closed. */
  get childEnd(): Socket | undefined {
    return this.#childEnd
  }

  /** The process has its end. A socket takes some KiB, and this one is of no more use here. */
  handedOver(): void {
    this.#childEnd?.destroy()
    this.#childEnd = undefined
  }

  close(): void {
    this.input.destroy()
    this.handedOver()
  }
}

/**
 * Connects a pair. Its path exists for no longer than this call takes until its first wait, in a directory that no other user may
 * enter. Undefined where no such socket can be made.
 */
export async function openOutputSocket(): Promise<OutputSocket | undefined> {
  const server = createServer({ pauseOnConnect: true })
  let input: Socket | undefined
  try {
    const place = new SocketPlace(undefined)
    try {
      // In a worker of node:cluster too, this process itself listens.
      server.listen({ path: place.path, exclusive: true })
      input = connectReader(place.path)
    } finally {
      place.remove()
    }
    return new OutputSocket(input, await accepted(server, input))
  } catch {
    input?.destroy()
    return undefined
  } finally {
    server.close()
  }
}

function connectReader(path: string): Socket {
  const buffers = new ReadBuffer()
  const callback = (length: number, buffer: Uint8Array): boolean => {
    socket.emit('data', buffers.chunk(length, buffer))
    return true
  }
  const socket: Socket = connect({ path, onread: { buffer: () => buffers.next(), callback } })
  // An error shows in how the process ends; before that, in that there is no connection.
  socket.on('error', () => {})
  return socket
}

/** The server's end of the connection. @throws when there will be none */
function accepted(server: Server, client: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const failed = (): void => reject(new Error('not connected'))
    server.on('error', failed)
    client.once('close', failed)
    server.once('connection', (childEnd) => {
      // It would keep the other end, which takes some KiB, for as long as there is this one.
      client.off('close', failed)
      resolve(childEnd)
    })
  })
}
