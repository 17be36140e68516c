import type { Readable, Writable } from 'node:stream'
import type { Clock } from '../../core/clock.ts'

/** What a stream of a terminal has beside those of other streams. */
export interface Screen extends Writable {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

export interface Keyboard extends Readable {
  readonly isTTY?: boolean
  setRawMode?(isRaw: boolean): unknown
}

/** What the command reads and writes: of this process, or a test's. */
export interface Terminal {
  readonly stdin: Keyboard
  readonly stdout: Screen
  readonly stderr: Screen
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** Aborts when the process is told to end. */
  readonly signal: AbortSignal
}
