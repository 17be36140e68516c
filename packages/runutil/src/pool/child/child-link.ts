import { readSync, writeSync, writevSync } from 'node:fs'
import { type Socket, connect } from 'node:net'
import type { Readable } from 'node:stream'
import { systemClock } from '../../core/clock-system.ts'
import type { Timer } from '../../core/clock.ts'
import type { Encoded } from '../relay/encoding.ts'
import { ReadBuffer } from '../relay/read-buffer.ts'
import { exitOnRelayEnd, sleep } from './parent-watch.ts'

/** A child's end of the relay. When the parent is gone, the process exits at once. */
export interface ChildLink {
  /** The next input; waits for it, blocking or not. */
  read(): Buffer | Promise<Buffer>
  write(encoded: Encoded): void
  /** Awaits the promise, and detects the end of the parent meanwhile. */
  during<T>(work: PromiseLike<T>): PromiseLike<T>
  /** Closes the link, so that the process may end. */
  close(): void
}

const UNIX = 'unix://'

/** @param address the value of RR_RELAY; undefined means pipes, as in protocols from before it */
export function openLink(address: string | undefined, blocking: boolean): ChildLink {
  if (address === undefined || address === 'pipes') return new PipesLink(blocking)
  // Not parsed as a URL, since a path may contain special characters.
  if (address.startsWith(UNIX)) return new SocketLink(connect(address.slice(UNIX.length)))
  const { protocol, hostname, port } = new URL(address)
  if (protocol === 'tcp:')
    return new SocketLink(connect({ host: hostname, port: Number(port), noDelay: true }))
  throw new Error(`RR_RELAY: expected 'pipes', 'unix:///PATH' or 'tcp://HOST:PORT'; got '${address}'`)
}

/**
 * A link over stdin and stdout. Reads block the process, which is faster than the event loop for tiny tasks, until a handler
 * awaits I/O: from then on input arrives through the event loop, so that the end of the parent is noticed meanwhile.
 */
class PipesLink implements ChildLink {
  #input: EventInput | undefined
  readonly #buffers = new ReadBuffer()

  constructor(blocking: boolean) {
    if (!blocking) this.#useEvents()
  }

  read(): Buffer | Promise<Buffer> {
    if (this.#input !== undefined) return this.#input.read()
    try {
      const buffer = this.#buffers.next()
      const length = readSync(0, buffer, 0, buffer.length, null)
      if (length === 0) exitOnRelayEnd(undefined)
      return this.#buffers.chunk(length, buffer)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // A signal without a handler arrived, such as SIGUSR1 for a debugger.
      if (code === 'EINTR') return this.read()
      // Another owner made the pipe non-blocking, which can't be undone.
      if (code === 'EAGAIN') return this.#useEvents().read()
      return exitBecause(error as NodeJS.ErrnoException)
    }
  }

  write({ head, body }: Encoded): void {
    if (body === undefined) writeAll(head)
    else writeAllOf([head, body])
  }

  async during<T>(work: PromiseLike<T>): Promise<T> {
    if (this.#input !== undefined) return work
    // Not for a promise that settles without any I/O.
    const watch: Timer = systemClock.setTimeout(() => this.#useEvents(), 0)
    try {
      return await work
    } finally {
      watch.clear()
    }
  }

  close(): void {
    this.#input?.close()
  }

  #useEvents(): EventInput {
    return (this.#input ??= new EventInput(process.stdin))
  }
}

/** A link over a socket. */
class SocketLink implements ChildLink {
  readonly #socket: Socket
  readonly #input: EventInput

  constructor(socket: Socket) {
    this.#socket = socket
    this.#input = new EventInput(socket)
  }

  read(): Promise<Buffer> {
    return this.#input.read()
  }

  write({ head, body }: Encoded): void {
    this.#socket.cork()
    this.#socket.write(head)
    if (body !== undefined) this.#socket.write(body)
    this.#socket.uncork()
  }

  during<T>(work: PromiseLike<T>): PromiseLike<T> {
    return work
  }

  close(): void {
    this.#input.close()
  }
}

/** Reads a stream chunk by chunk. */
class EventInput {
  readonly #stream: Readable
  readonly #chunks: Buffer[] = []
  #wake: ((chunk: Buffer) => void) | undefined

  constructor(stream: Readable) {
    this.#stream = stream
    stream.on('data', this.#take)
    stream.on('error', exitBecause)
    stream.on('close', this.#leave)
    stream.on('end', this.#leave)
  }

  read(): Promise<Buffer> {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) return Promise.resolve(chunk)
    return new Promise((resolve) => (this.#wake = resolve))
  }

  close(): void {
    this.#stream.off('close', this.#leave).off('end', this.#leave)
    this.#stream.destroy()
  }

  readonly #leave = (): never => exitOnRelayEnd(process.env['RR_RELAY'])

  readonly #take = (chunk: Buffer): void => {
    const wake = this.#wake
    this.#wake = undefined
    if (wake === undefined) this.#chunks.push(chunk)
    else wake(chunk)
  }
}

const PARENT_GONE = new Set<string | undefined>(['EPIPE', 'ECONNRESET', 'EOF'])

/** Exits because the parent has ended or can't be reached, usually because connecting to the pool failed. */
function exitBecause(error: NodeJS.ErrnoException): never {
  if (PARENT_GONE.has(error.code)) exitOnRelayEnd(process.env['RR_RELAY'])
  const hint =
    error.code === 'EACCES'
      ? `; the pool's option socketMode, such as 0o666, lets workers of other users in`
      : ''
  process.stderr.write(`runutil/pool/child: ${error.message}${hint}\n`)
  process.exit(1)
}

function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at)
    } catch (error) {
      waitUntilWritable(error as NodeJS.ErrnoException)
    }
  }
}

function writeAllOf(pieces: readonly Uint8Array[]): void {
  for (let left = pieces; left.length > 0;) {
    try {
      left = without(left, writevSync(1, left))
    } catch (error) {
      waitUntilWritable(error as NodeJS.ErrnoException)
    }
  }
}

/** Waits for a full pipe; any other error ends the process. */
function waitUntilWritable(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EAGAIN') exitBecause(error)
  // The pipe is full and non-blocking: console.log makes it so.
  sleep(1)
}

/** The pieces without the first `bytes` bytes. */
function without(pieces: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  const [first, ...others] = pieces
  if (first === undefined) return pieces
  return bytes < first.length ? [first.subarray(bytes), ...others] : without(others, bytes - first.length)
}
