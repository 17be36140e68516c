import type { ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { FrameReader } from './frame-reader.ts'
import type { OutputSocket } from './output-socket.ts'

/** Whether the relay uses the child's stdin and stdout. */
export type Stdio = 'relay' | 'free'

/** A relay to one worker that has answered with its own pid. Its input is paused. */
export interface Connection {
  readonly input: Readable
  readonly output: Writable
  readonly frames: FrameReader
}

export interface Connecting {
  connected(connection: Connection): void
  /** This process will never connect. */
  failed(error: Error): void
  /** A possible reason if the process doesn't connect in time; the last hint is used. */
  hint(text: string): void
}

/**
 * How a pool and its processes communicate. A relay matches connections to processes; timeouts, and processes that never
 * connect, are handled by its caller.
 */
export interface Relay {
  readonly stdio: Stdio
  /** The value of the child's RR_RELAY variable. */
  readonly address: string
  open(): Promise<void>
  /** Called before a process is spawned. @returns what takes the place of its stdout pipe, if anything */
  prepare(): Promise<OutputSocket | undefined>
  /** Calls back once (apart from `hint`), unless the returned function is called first. */
  connect(child: ChildProcess, connecting: Connecting, output?: OutputSocket): () => void
  /** A possible reason why a process hasn't connected; '' if none is known. */
  explain(child: ChildProcess): string
  close(): Promise<void>
  /** Synchronously removes the relay's files, since the process is about to exit. */
  remove(): void
}
