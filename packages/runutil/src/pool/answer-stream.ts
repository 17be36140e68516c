import type { PayloadMessage } from './relay/message.ts'
import { type Payload, payloadOf } from './relay/payload.ts'
import type { TaskCaller } from './worker/task.ts'

interface StreamSource {
  /** Pauses the sender, or resumes it. */
  hold(held: boolean): void
  /** Called when the reader has stopped. */
  leave(): void
}

/** The most bytes of unread parts to buffer; beyond that, the worker is paused. */
const MOST_BYTES = 256 * 1024
const MOST_PARTS = 64

/** The parts of one answer as they arrive; a slow reader pauses the sender. */
export class AnswerStream {
  readonly #parts: Payload[] = []
  #bytes = 0
  #held = false
  #over = false
  #left = false
  #error: { readonly error: unknown } | undefined
  #source: StreamSource | undefined
  #wake: () => void = () => {}

  /** The caller of the task. */
  readonly caller: TaskCaller = {
    part: (part) => this.#take(part),
    // The last part is the answer itself.
    resolve: (payload) => this.#end(payload),
    reject: (error) => {
      this.#error = { error }
      this.#end(undefined)
    },
  }

  /** Calls `source.leave` if the reader stops before the end. @throws the task's error */
  async *read(source: StreamSource): AsyncGenerator<Payload, void, undefined> {
    this.#source = source
    try {
      for (;;) {
        const part = this.#left ? undefined : this.#shift()
        if (part !== undefined) yield part
        else if (this.#over) break
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
      if (this.#error !== undefined) throw this.#error.error
    } finally {
      source.leave()
    }
  }

  /** The reader stops; it may wait for a part. */
  leave(): void {
    this.#left = true
    this.#end(undefined)
  }

  #take({ context, body }: PayloadMessage): void {
    // Copied, since a view would keep the whole chunk in memory.
    this.#push(payloadOf(Buffer.from(context), Buffer.from(body)))
    if (this.#bytes > MOST_BYTES || this.#parts.length > MOST_PARTS) this.#hold(true)
  }

  #end(last: Payload | undefined): void {
    this.#over = true
    if (last !== undefined) this.#push(last)
    this.#wake()
  }

  #push(part: Payload): void {
    this.#parts.push(part)
    this.#bytes += lengthOf(part)
    this.#wake()
  }

  #shift(): Payload | undefined {
    const part = this.#parts.shift()
    if (part !== undefined) this.#bytes -= lengthOf(part)
    if (this.#held && this.#parts.length === 0) this.#hold(false)
    return part
  }

  #hold(held: boolean): void {
    this.#held = held
    this.#source?.hold(held)
  }
}

function lengthOf({ context, body }: Payload): number {
  return (context?.length ?? 0) + (body?.length ?? 0)
}
