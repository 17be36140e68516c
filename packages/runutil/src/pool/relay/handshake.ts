import type { Readable, Writable } from 'node:stream'
import { FrameReader } from './frame-reader.ts'
import { CorruptFrameError, Flag, type Frame } from './frame.ts'
import type { Protocol } from './protocol.ts'
import type { Connection } from './relay.ts'

/** The settings that both ends must share. */
export interface Dialect {
  readonly protocol: Protocol
  readonly maxFrame: number
  /** A worker that answers with this token runs `serve` of this package, and was started by this pool. */
  readonly token: string
}

/** The process at the other end, as it identified itself. */
interface Greeted {
  readonly pid: number
  readonly connection: Connection
}

/** The environment variable that passes the token to a worker. */
export const TOKEN_VARIABLE = 'RUNUTIL_POOL'

/** The most bytes accepted from a process that hasn't identified itself. */
const LONGEST_ANSWER = 4 * 1024

/**
 * Asks the process at the other end for its pid, and pauses the input again after the answer.
 *
 * @param done called once, with the pid or an error; never called if nothing arrives
 */
export function greet(
  input: Readable,
  output: Writable,
  { protocol, maxFrame, token }: Dialect,
  done: (result: Greeted | { error: Error }) => void,
): void {
  const frames = new FrameReader(protocol, LONGEST_ANSWER)
  let received = 0
  input.on('data', take)
  output.write(protocol.control(JSON.stringify({ pid: process.pid })).head)

  function take(chunk: Buffer): void {
    try {
      received += chunk.length
      frames.feed(chunk.subarray(0, LONGEST_ANSWER))
      const frame = frames.next()
      if (received > LONGEST_ANSWER) throw tooMuch(chunk)
      if (frame === undefined) return
      const answer = answerIn(frame)
      input.off('data', take)
      input.pause()
      frames.maxFrame = maxFrame
      frames.extended = answer.token === token
      done({ pid: answer.pid, connection: { input, output, frames } })
    } catch (error) {
      input.off('data', take)
      // So that the end of the stream is still noticed.
      input.resume()
      done({ error: error as Error })
    }
  }
}

function tooMuch(chunk: Buffer): CorruptFrameError {
  return new CorruptFrameError(`at most ${LONGEST_ANSWER} bytes with its pid, not more before them`, chunk)
}

/** @throws CorruptFrameError */
function answerIn({ flags, data }: Frame): { pid: number; token?: unknown } {
  if ((flags & Flag.control) !== 0) {
    const { pid, token } = parsed(data) ?? {}
    if (typeof pid === 'number') return { pid, token }
  }
  throw new CorruptFrameError(`a control frame with {"pid":<its pid>} (flags ${flags})`, data)
}

function parsed(data: Buffer): { pid?: unknown; token?: unknown } | undefined {
  try {
    return JSON.parse(data.toString()) as { pid?: unknown }
  } catch {
    return undefined
  }
}
