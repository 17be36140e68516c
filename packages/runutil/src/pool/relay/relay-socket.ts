import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { type Dialect, greet } from './handshake.ts'
import type { Connecting, Connection, Relay } from './relay.ts'

export interface SocketRelayProps extends Dialect {
  readonly socket: 'unix' | 'tcp'
  /** How long a connection may stay silent. */
  readonly silenceMs: number
  readonly clock: () => Clock
}

/**
 * A socket that the processes connect to, each when it is ready. A connection is anybody's until it has answered with
 * the pid of a process that is waited for; one that doesn't is closed, and no other waits for it.
 */
export class SocketRelay implements Relay {
  readonly stdio = 'free'
  readonly #props: SocketRelayProps
  readonly #waiting = new Map<number, Connecting>()
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #directory: string | undefined
  #address = ''

  constructor(props: SocketRelayProps) {
    this.#props = props
  }

  get address(): string {
    return this.#address
  }

  async open(): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket))
    const path = this.#props.socket === 'unix' ? this.#socketPath() : undefined
    await new Promise<void>((resolve, reject) => {
      // One that comes later, of a connection that couldn't be taken, is not the server's end.
      server.on('error', reject)
      if (path === undefined) server.listen(0, '127.0.0.1', resolve)
      else server.listen(path, resolve)
    })
    this.#server = server
    this.#address = path ? `unix://${path}` : `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** In a directory that nobody else may enter. */
  #socketPath(): string {
    this.#directory = mkdtempSync(join(tmpdir(), 'runutil-'))
    return join(this.#directory, 'relay.sock')
  }

  connect(child: ChildProcess, connecting: Connecting): () => void {
    const pid = child.pid!
    this.#waiting.set(pid, connecting)
    return () => void this.#waiting.delete(pid)
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    const { clock, silenceMs } = this.#props
    const silent = clock().setTimeout(() => socket.destroy(), silenceMs)
    socket.on('error', () => {})
    socket.on('close', () => {
      silent.clear()
      this.#sockets.delete(socket)
    })
    greet(socket, socket, this.#props, (result) => {
      silent.clear()
      if ('error' in result)
        this.#turnAway(socket, `a connection broke the protocol: ${result.error.message}`)
      else this.#match(socket, result.pid, result.connection)
    })
  }

  #match(socket: Socket, pid: number, connection: Connection): void {
    const connecting = this.#waiting.get(pid)
    if (connecting === undefined) return this.#turnAway(socket, `a connection answered with pid ${pid}`)
    this.#waiting.delete(pid)
    connecting.connected(connection)
  }

  #turnAway(socket: Socket, hint: string): void {
    socket.destroy()
    for (const connecting of this.#waiting.values()) connecting.hint(hint)
  }

  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.destroy()
    if (server !== undefined) await new Promise<unknown>((resolve) => server.close(resolve))
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true })
    this.#directory = undefined
  }
}
