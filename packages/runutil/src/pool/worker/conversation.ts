import type { Clock } from '../../core/clock.ts'
import { CorruptFrameError } from '../relay/frame.ts'
import { type Message, MessageReader } from '../relay/message-reader.ts'
import type { Encoded } from '../relay/protocol.ts'
import type { Connection } from '../relay/relay.ts'

export interface ConversationListener {
  /** What was asked. Bytes that came with it and belong to nothing are told of before. */
  answered(message: Message): void
  /** What came is no answer, or nothing was asked. */
  broken(error: Error): void
  /** Nothing more will come. */
  closed(): void
}

/** Questions, each answered in its turn, over a relay that has been matched to its process. */
export class Conversation {
  readonly #connection: Connection
  readonly #messages: MessageReader
  readonly #listener: ConversationListener
  /** How many questions have no answer yet. */
  #open = 0
  #over = false

  constructor(connection: Connection, listener: ConversationListener) {
    this.#connection = connection
    this.#listener = listener
    this.#messages = new MessageReader(connection.frames, 'parent')
    connection.input.on('data', (chunk: Buffer) => this.#receive(chunk))
    // Both, where it is two pipes.
    for (const end of [connection.input, connection.output]) end.on('close', () => listener.closed())
    connection.input.resume()
    if (connection.frames.pending) this.#breakBy('nothing after the pid', connection.frames.unread)
  }

  ask(task: Encoded): void {
    this.#open++
    this.#send(task)
  }

  /** The last that is said; whatever still comes is noise of no interest. */
  tell(command: Encoded): void {
    this.#over = true
    this.#send(command)
  }

  /** Resolves when all that came has been read. Over a socket, an answer may arrive after its process ended. */
  async drained(clock: Clock, limitMs: number): Promise<void> {
    const { input } = this.#connection
    if (input.destroyed) return
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(() => input.destroy(), limitMs)
      input.once('close', () => {
        timer.clear()
        resolve()
      })
    })
  }

  /** All in one write: a prefix in two pieces would kill a PHP worker, and Nagle's algorithm waits between two. */
  #send({ head, body }: Encoded): void {
    const { output } = this.#connection
    if (body === undefined) {
      output.write(head)
      return
    }
    output.cork()
    output.write(head)
    output.write(body)
    output.uncork()
  }

  #receive(chunk: Buffer): void {
    if (this.#over) return
    if (this.#open === 0) return this.#breakBy('nothing while no task runs', chunk)
    let message = this.#read(chunk)
    while (message !== undefined) {
      this.#open--
      const { pending, frames } = this.#messages
      if (this.#open === 0 && pending) this.#breakBy('nothing after the answer', frames.unread)
      this.#listener.answered(message)
      message = pending && !this.#over ? this.#read(undefined) : undefined
    }
  }

  #read(chunk: Buffer | undefined): Message | undefined {
    try {
      if (chunk !== undefined) this.#messages.frames.feed(chunk)
      return this.#messages.next()
    } catch (error) {
      this.#break(error as Error)
      return undefined
    }
  }

  #breakBy(expected: string, bytes: Buffer): void {
    this.#break(new CorruptFrameError(expected, bytes))
  }

  #break(error: Error): void {
    this.#over = true
    this.#listener.broken(error)
  }
}
