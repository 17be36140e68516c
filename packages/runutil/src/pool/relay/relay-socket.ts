import type { ChildProcess } from 'node:child_process'
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import type { Clock } from '../../core/clock.ts'
import { type Dialect, greet } from './handshake.ts'
import type { Connecting, Connection, Relay } from './relay.ts'
import { SocketPlace } from './socket-place.ts'
import { knowsOwners, ownerOfConnection, ownerOfProcess } from './tcp-owner.ts'
import { WrongPidError, descendsFrom } from './wrong-pid.ts'

interface SocketRelayProps extends Dialect {
  readonly socket: 'unix' | 'tcp'
  /** How long a connection may take to answer the handshake. */
  readonly silenceMs: number
  readonly socketMode: number | undefined
  /** Whether a process without the token is rejected. */
  readonly tokenNeeded: boolean
  readonly clock: Clock
}

/** The most unidentified connections at a time; to accept another, the oldest is closed. */
const MAX_UNIDENTIFIED = 64

/**
 * A socket to which each process connects when it is ready. A connection is unidentified until it has answered with the pid of
 * an expected process, and comes from that process's user; otherwise it is closed. Unidentified connections don't delay others.
 */
export class SocketRelay implements Relay {
  readonly stdio = 'free'
  readonly #props: SocketRelayProps
  readonly #waiting = new Map<number, { child: ChildProcess; connecting: Connecting }>()
  readonly #sockets = new Set<Socket>()
  /** Unidentified connections, oldest first. */
  readonly #unidentified = new Set<Socket>()
  #server: Server | undefined
  #place: SocketPlace | undefined
  #address = ''

  constructor(props: SocketRelayProps) {
    this.#props = props
  }

  get address(): string {
    return this.#address
  }

  async open(): Promise<void> {
    const { socket, socketMode } = this.#props
    const server = createServer({ noDelay: true }, (connection) => this.#accept(connection))
    const place = (this.#place = socket === 'unix' ? new SocketPlace(socketMode) : undefined)
    await new Promise<void>((resolve, reject) => {
      // A later error, from a connection that could not be accepted, does not end the server.
      server.on('error', reject)
      if (place === undefined) server.listen(0, '127.0.0.1', resolve)
      else server.listen(place.path, resolve)
    })
    place?.open()
    this.#server = server
    this.#address = place
      ? `unix://${place.path}`
      : `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  async prepare(): Promise<undefined> {}

  connect(child: ChildProcess, connecting: Connecting): () => void {
    const pid = child.pid!
    this.#waiting.set(pid, { child, connecting })
    return () => void this.#waiting.delete(pid)
  }

  explain({ pid }: ChildProcess): string {
    if (this.#place === undefined || this.#props.socketMode !== undefined || !knowsOwners) return ''
    const owner = ownerOfProcess(pid!)
    if (owner === undefined || owner === process.geteuid!()) return ''
    return `it runs as user ${owner}, who may not reach the socket: set socketMode, such as 0o666`
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    this.#makeRoom()
    this.#unidentified.add(socket)
    const { clock, silenceMs } = this.#props
    const silent = clock.setTimeout(() => socket.destroy(), silenceMs)
    const known = (): void => {
      silent.clear()
      this.#unidentified.delete(socket)
    }
    socket.on('error', () => {})
    socket.on('close', () => {
      known()
      this.#sockets.delete(socket)
    })
    greet(socket, socket, this.#props, (result) => {
      known()
      if ('error' in result) this.#reject(socket, `a connection broke the protocol: ${result.error.message}`)
      else this.#match(socket, result.pid, result.connection)
    })
  }

  #makeRoom(): void {
    if (this.#unidentified.size < MAX_UNIDENTIFIED) return
    const [oldest] = this.#unidentified
    this.#unidentified.delete(oldest!)
    oldest!.destroy()
  }

  #match(socket: Socket, pid: number, connection: Connection): void {
    const waiting = this.#waiting.get(pid)
    if (waiting === undefined) return this.#rejectPid(socket, pid)
    const reason = this.#rejectionReason(socket, pid, connection)
    if (reason !== undefined) return this.#reject(socket, reason)
    this.#waiting.delete(pid)
    waiting.connecting.connected(connection)
  }

  /** Why a connection is not accepted as the process whose pid it answered with. */
  #rejectionReason(
    { remotePort, localPort }: Socket,
    pid: number,
    { frames }: Connection,
  ): string | undefined {
    if (this.#props.tokenNeeded && !frames.extended) {
      return `a connection answered with pid ${pid}, without the token that this pool has given its workers`
    }
    if (this.#props.socket !== 'tcp' || !knowsOwners) return undefined
    const has = ownerOfConnection(remotePort!, localPort!)
    const needs = ownerOfProcess(pid)
    if (has !== undefined && has === needs) return undefined
    return `a connection answered with pid ${pid}, but comes from user ${has ?? 'unknown'}; the process runs as user ${needs ?? 'unknown'}`
  }

  /** Rejects an unexpected pid. If it descends from an expected process, that process will not answer itself, and has failed. */
  #rejectPid(socket: Socket, pid: number): void {
    this.#reject(socket, `a connection answered with pid ${pid}`)
    for (const [spawned, { child, connecting }] of this.#waiting) {
      if (!descendsFrom(pid, spawned)) continue
      this.#waiting.delete(spawned)
      return connecting.failed(new WrongPidError(child, pid))
    }
  }

  #reject(socket: Socket, hint: string): void {
    socket.destroy()
    for (const { connecting } of this.#waiting.values()) connecting.hint(hint)
  }

  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.destroy()
    if (server !== undefined) await new Promise<unknown>((resolve) => server.close(resolve))
    this.remove()
  }

  remove(): void {
    this.#place?.remove()
    this.#place = undefined
  }
}
