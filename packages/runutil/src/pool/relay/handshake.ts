import type { Readable, Writable } from 'node:stream'
import { FrameReader } from './frame-reader.ts'
import { CorruptFrameError, Flag, type Frame } from './frame.ts'
import type { Protocol } from './protocol.ts'
import type { Connection } from './relay.ts'

/** What both ends agree on before they speak. */
export interface Dialect {
  readonly protocol: Protocol
  readonly maxFrame: number
}

/**
 * Asks whoever is at the other end for its pid, and pauses the input again when it has answered.
 *
 * @param done called once, with the pid or an error; never if nothing comes
 */
export function greet(
  input: Readable,
  output: Writable,
  { protocol, maxFrame }: Dialect,
  done: (result: { pid: number; connection: Connection } | { error: Error }) => void,
): void {
  const frames = new FrameReader(protocol, maxFrame)
  input.on('data', take)
  output.write(protocol.control(JSON.stringify({ pid: process.pid })).head)

  function take(chunk: Buffer): void {
    try {
      frames.feed(chunk)
      const frame = frames.next()
      if (frame === undefined) return
      const pid = pidIn(frame)
      input.off('data', take)
      input.pause()
      done({ pid, connection: { input, output, frames } })
    } catch (error) {
      input.off('data', take)
      // So that it still sees its end.
      input.resume()
      done({ error: error as Error })
    }
  }
}

/** @throws CorruptFrameError */
function pidIn({ flags, data }: Frame): number {
  if ((flags & Flag.control) !== 0) {
    const pid = parsed(data)?.pid
    if (typeof pid === 'number') return pid
  }
  throw new CorruptFrameError(`a control frame with {"pid":<its pid>} (flags ${flags})`, data)
}

function parsed(data: Buffer): { pid?: unknown } | undefined {
  try {
    return JSON.parse(data.toString()) as { pid?: unknown }
  } catch {
    return undefined
  }
}
