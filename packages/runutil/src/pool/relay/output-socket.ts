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
  /** For the stdio of `spawn`. */
  readonly childEnd: Socket

  constructor(input: Socket, childEnd: Socket) {
    this.input = input
    this.childEnd = childEnd
    // Errors show in how the process ends.
    input.on('error', () => {})
    childEnd.on('error', () => {})
  }

  /** The process has its end, or will never have it. */
  handedOver(): void {
    this.childEnd.destroy()
  }

  close(): void {
    this.input.destroy()
    this.childEnd.destroy()
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
  return socket
}

/** The server's end of the connection. @throws when there will be none */
function accepted(server: Server, client: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    server.once('connection', resolve)
    server.once('error', reject)
    client.once('error', reject)
    client.once('close', reject)
  })
}
