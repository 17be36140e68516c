import type { Clock } from '../../core/clock.ts'
import { CorruptFrameError } from '../relay/frame.ts'
import { MessageReader } from '../relay/message-reader.ts'
import type { Message, PayloadMessage } from '../relay/message.ts'
import type { Encoded } from '../relay/encoding.ts'
import type { Protocol } from '../relay/protocol.ts'
import type { Connection } from '../relay/relay.ts'

export interface ConversationListener {
  /** The answer to the current task. Unexpected bytes received with it are reported first. */
  answered(message: Message): void
  /** A part of the answer; others follow. An error thrown here breaks the worker. */
  part(message: PayloadMessage): void
  /** A control message from a worker of this package, separate from its answers. */
  control(message: object): void
  /** The received bytes are not an answer, or no task was sent. */
  broken(error: Error): void
  /** The connection has closed. */
  closed(): void
}

/** Sends tasks and receives their answers, in order, over a connection that was matched to its process. */
export class Conversation {
  readonly #connection: Connection
  readonly #messages: MessageReader
  readonly #listener: ConversationListener
  readonly #protocol: Protocol
  /** Whether tasks and their answers are numbered. */
  readonly #numbered: boolean
  #sent = 0
  #answered = 0
  #paused = false
  #over = false

  constructor(connection: Connection, listener: ConversationListener) {
    this.#connection = connection
    this.#listener = listener
    this.#messages = new MessageReader(connection.frames, 'parent')
    this.#protocol = connection.frames.protocol
    this.#numbered = connection.frames.extended
    connection.input.on('data', (chunk: Buffer) => this.#receive(chunk))
    // With pipes, these are two streams.
    for (const end of [connection.input, connection.output]) end.on('close', () => listener.closed())
    connection.input.resume()
    if (connection.frames.pending) this.#breakProtocol('nothing after the pid', connection.frames.unread)
  }

  /** Whether the worker runs this package, which supports extensions of the protocol. */
  get extended(): boolean {
    return this.#numbered
  }

  sendTask(task: Encoded): void {
    this.#sent++
    this.#protocol.setId(task, this.#idOf(this.#sent))
    this.#send(task)
  }

  /** Sends a control message. */
  sendControl(message: Encoded): void {
    this.#send(message)
  }

  /** Stops reading until `resume`; the worker blocks once the pipe is full. */
  pause(): void {
    this.#paused = true
    this.#connection.input.pause()
  }

  resume(): void {
    this.#paused = false
    this.#connection.input.resume()
  }

  /** Sends the last message; ignores all further input. */
  sendLast(command: Encoded): void {
    this.#over = true
    this.#send(command)
  }

  /** Ignores all further input. */
  ignoreInput(): void {
    this.#over = true
  }

  /** Resolves when all input has been read. Over a socket, an answer may arrive after its process has ended. */
  async drained(clock: Clock, limitMs: number): Promise<void> {
    const { input } = this.#connection
    if (input.destroyed) return
    input.resume()
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(() => input.destroy(), limitMs)
      input.once('close', () => {
        timer.clear()
        resolve()
      })
    })
  }

  /** Sends all in one write: a prefix in two pieces would kill a PHP worker, and Nagle's algorithm delays a second write. */
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
    if (!this.#isOpen && !this.#numbered) return this.#breakProtocol('nothing while no task runs', chunk)
    let message = this.#read(chunk)
    while (message !== undefined) {
      this.#take(message)
      message = this.#messages.pending && !this.#over ? this.#read(undefined) : undefined
    }
  }

  #take(message: Message): void {
    if (message.kind === 'control') return this.#takeControl(message.data)
    const bytes = message.kind === 'payload' ? message.body : message.data
    if (!this.#isOpen) return this.#breakProtocol('nothing while no task runs', bytes)
    if (this.#numbered && message.id !== this.#idOf(this.#answered + 1)) {
      return this.#breakProtocol('the answer to the task that is due, not to another', bytes)
    }
    if (message.kind === 'payload' && message.more) return this.#takePart(message)
    this.#answered++
    if (this.#paused) this.resume()
    const { pending, frames } = this.#messages
    if (!this.#isOpen && pending && !this.#numbered)
      this.#breakProtocol('nothing after the answer', frames.unread)
    this.#listener.answered(message)
  }

  #takePart(part: PayloadMessage): void {
    const { pong } = this.#protocol
    if (part.ping && pong !== undefined) this.#send(pong)
    this.#unlessBroken(() => this.#listener.part(part))
  }

  #takeControl(json: Buffer): void {
    this.#unlessBroken(() => this.#listener.control(JSON.parse(json.toString()) as object))
  }

  #unlessBroken(take: () => void): void {
    try {
      take()
    } catch (error) {
      this.#break(error as Error)
    }
  }

  /** Whether a task has no answer yet. */
  get #isOpen(): boolean {
    return this.#sent > this.#answered
  }

  #idOf(nth: number): number {
    return this.#numbered ? this.#protocol.idOf(nth) : 0
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

  #breakProtocol(expected: string, bytes: Buffer): void {
    this.#break(new CorruptFrameError(expected, bytes))
  }

  #break(error: Error): void {
    this.#over = true
    this.#listener.broken(error)
  }
}
