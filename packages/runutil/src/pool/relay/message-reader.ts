import type { FrameReader } from './frame-reader.ts'
import { CorruptFrameError, Flag, type Frame } from './frame.ts'
import { STOP_REQUEST } from './payload.ts'

export type Message =
  | { readonly kind: 'payload'; readonly context: Buffer; readonly body: Buffer }
  | { readonly kind: 'error'; readonly data: Buffer }
  | { readonly kind: 'control'; readonly data: Buffer }

/** Joins frames into tasks, answers, errors and control messages, as each protocol lays them out. */
export class MessageReader {
  readonly frames: FrameReader
  readonly #end: 'parent' | 'child'
  /** Of the message whose body has not come. */
  #context: Buffer | undefined

  /** @param end whose side this is: only a child is sent control messages once it runs */
  constructor(frames: FrameReader, end: 'parent' | 'child') {
    this.frames = frames
    this.#end = end
  }

  /** Whether bytes came that no message was made of yet. */
  get pending(): boolean {
    return this.#context !== undefined || this.frames.pending
  }

  /** @throws CorruptFrameError */
  next(): Message | undefined {
    const { framesPerMessage } = this.frames.protocol
    for (let frame = this.frames.next(); frame !== undefined; frame = this.frames.next()) {
      const message = framesPerMessage === 1 ? this.#single(frame) : this.#pair(frame)
      if (message !== undefined) return message
    }
    return undefined
  }

  #single({ flags, split, data }: Frame): Message {
    if (flags & Flag.error) return { kind: 'error', data }
    if (flags & Flag.control && this.#end === 'child') return { kind: 'control', data }
    if (split === undefined || split > data.length) {
      throw new CorruptFrameError(
        `one option, the length of the context, of at most ${data.length}; got ${split}, and`,
        data,
      )
    }
    return { kind: 'payload', context: data.subarray(0, split), body: data.subarray(split) }
  }

  #pair({ flags, data }: Frame): Message | undefined {
    const control = (flags & Flag.control) !== 0
    if (this.#context !== undefined) {
      if (control) throw new CorruptFrameError(`a body, not a control frame (flags ${flags})`, data)
      const context = this.#context
      this.#context = undefined
      return { kind: 'payload', context, body: data }
    }
    if (!control) throw new CorruptFrameError(`a control frame first (flags ${flags})`, data)
    if (flags & Flag.error) return { kind: 'error', data }
    if (this.#end === 'child' && (flags & Flag.raw) === 0 && isCommand(data)) return { kind: 'control', data }
    this.#context = data
    return undefined
  }
}

/** Any other JSON is a context that its parent didn't mark as raw. */
function isCommand(data: Buffer): boolean {
  return /^\s*\{\s*"(pid|stop)"\s*:/.test(data.toString('latin1', 0, 64))
}

/** Whether a worker answers that it wants to be replaced, the task undone (seed 003). */
export function isStopRequest(message: Message): boolean {
  if (message.kind !== 'payload' || message.body.length > 0) return false
  return message.context.length === STOP.length && STOP.equals(message.context)
}

const STOP = Buffer.from(STOP_REQUEST)
