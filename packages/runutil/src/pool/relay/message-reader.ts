import type { FrameReader } from './frame-reader.ts'
import { CorruptFrameError, Flag, type Frame } from './frame.ts'
import type { Message } from './message.ts'
import { STOP_REQUEST } from './payload.ts'

/** Joins frames into tasks, answers, errors and control messages, as each protocol lays them out. */
export class MessageReader {
  readonly frames: FrameReader
  readonly #end: 'parent' | 'child'
  /** The context of a message whose body has not arrived. */
  #context: Buffer | undefined
  #id = 0

  /** @param end the side that reads; a parent receives control messages only from workers of this package */
  constructor(frames: FrameReader, end: 'parent' | 'child') {
    this.frames = frames
    this.#end = end
  }

  /** Whether there are received bytes of an incomplete message. */
  get pending(): boolean {
    return this.#context !== undefined || this.frames.pending
  }

  /** @throws CorruptFrameError */
  next(): Message | undefined {
    if (this.#context === undefined) {
      const whole = this.frames.whole()
      if (whole !== undefined) return whole
    }
    const { framesPerMessage } = this.frames.protocol
    for (let frame = this.frames.next(); frame !== undefined; frame = this.frames.next()) {
      const message = framesPerMessage === 1 ? this.#single(frame) : this.#pair(frame)
      if (message !== undefined) return message
    }
    return undefined
  }

  #single({ flags, id, split, data }: Frame): Message {
    if (flags & Flag.error) return { kind: 'error', id, data }
    if (flags & Flag.control && this.#takesControl) return { kind: 'control', data }
    if (split === undefined || split > data.length) {
      throw new CorruptFrameError(
        `one option, the length of the context, of at most ${data.length}; got ${split}, and`,
        data,
      )
    }
    const more = (flags & Flag.more) !== 0
    const ping = (flags & Flag.ping) !== 0
    return { kind: 'payload', id, context: data.subarray(0, split), body: data.subarray(split), more, ping }
  }

  get #takesControl(): boolean {
    return this.#end === 'child' || this.frames.extended
  }

  #pair({ flags, id, data }: Frame): Message | undefined {
    const control = (flags & Flag.control) !== 0
    if (this.#context !== undefined) {
      if (control) throw new CorruptFrameError(`a body, not a control frame (flags ${flags})`, data)
      const context = this.#context
      this.#context = undefined
      return { kind: 'payload', id: this.#id, context, body: data, more: false, ping: false }
    }
    if (!control) throw new CorruptFrameError(`a control frame first (flags ${flags})`, data)
    if (flags & Flag.error) return { kind: 'error', id, data }
    if (
      (flags & (Flag.raw | Flag.empty)) === 0 &&
      this.#takesControl &&
      isCommand(data, this.frames.extended)
    ) {
      return { kind: 'control', data }
    }
    this.#id = id
    this.#context = data
    return undefined
  }
}

/** Other JSON is a context that its sender didn't mark as raw. */
function isCommand(data: Buffer, extended: boolean): boolean {
  return (extended ? EXTENDED_COMMAND : COMMAND).test(data.toString('latin1', 0, 64))
}

const COMMAND = /^\s*\{\s*"(pid|stop)"\s*:/
const EXTENDED_COMMAND = /^\s*\{\s*"(pid|stop|ping|pong|progress)"\s*:/

/** Whether a worker's answer asks to be replaced, with the task not performed. */
export function isStopRequest(message: Message): boolean {
  if (message.kind !== 'payload' || message.body.length > 0) return false
  return message.context.length === STOP.length && STOP.equals(message.context)
}

const STOP = Buffer.from(STOP_REQUEST)
