import { OversizedFrameError } from '../relay/frame.ts'
import type { Message, PayloadMessage } from '../relay/message.ts'

/**
 * The parts of one answer, joined. The context is that of the first part that has one; later parts mostly repeat it.
 */
export class AnswerParts {
  readonly #limit: number
  #context: Buffer | undefined
  /** Larger than its contents, so that many small parts cost no more than a few large ones. */
  #bodies: Buffer = Buffer.alloc(0)
  #length = 0

  /** @param limit the most bytes of all parts together */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** @throws OversizedFrameError */
  add({ context, body }: PayloadMessage): void {
    const length = this.#length + body.length
    const total = length + (this.#context ?? context).length
    if (total > this.#limit) throw new OversizedFrameError(total, this.#limit, body)
    if (this.#context === undefined && context.length > 0) this.#context = Buffer.from(context)
    if (length > this.#bodies.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(length, 2 * this.#bodies.length)))
      this.#bodies.copy(larger, 0, 0, this.#length)
      this.#bodies = larger
    }
    body.copy(this.#bodies, this.#length)
    this.#length = length
  }

  /** The whole answer, given its last part. @throws OversizedFrameError */
  whole(last: Message): Message {
    if (last.kind !== 'payload') return last
    this.add(last)
    return { ...last, context: this.#context ?? last.context, body: this.#bodies.subarray(0, this.#length) }
  }
}
