import type { ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { FrameReader } from './frame-reader.ts'

/** Whether the relay takes the child's stdin and stdout. */
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
  /** Something that may explain it if the process doesn't connect in time; the last one counts. */
  hint(text: string): void
}

/**
 * How a pool and its processes reach each other. A relay finds out which connection is whose; how long that may
 * take, and what becomes of a process that never connects, is not its business.
 */
export interface Relay {
  readonly stdio: Stdio
  /** What the child is told in RR_RELAY. */
  readonly address: string
  open(): Promise<void>
  /** Calls back once, `hint` aside, unless what it returns is called before. */
  connect(child: ChildProcess, connecting: Connecting): () => void
  /** What may be the reason why a process hasn't connected; '' if nothing is known. */
  explain(child: ChildProcess): string
  close(): Promise<void>
  /** Takes what it has in the file system, at once: the process is about to exit. */
  remove(): void
}
