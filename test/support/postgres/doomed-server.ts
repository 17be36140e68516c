import { once } from 'node:events'
import { type AddressInfo, type Server, createServer } from 'node:net'

/** Speaks just enough of PostgreSQL to let a client in and, in the same breath, end its connection. */
export async function doomedServer(): Promise<{ url: string; server: Server }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    // The client's first word is that it wants to start.
    socket.once('data', () => {
      const fields = 'SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'
      const letIn = [message('R', [0, 0, 0, 0]), message('Z', Buffer.from('I'))]
      socket.end(Buffer.concat([...letIn, message('E', Buffer.from(fields))]))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `postgres://postgres@127.0.0.1:${(server.address() as AddressInfo).port}/postgres`, server }
}

function message(type: string, body: Uint8Array | number[]): Buffer {
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeUInt32BE(4 + body.length, 1)
  return Buffer.concat([head, Buffer.from(body)])
}
