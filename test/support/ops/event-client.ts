import { type ClientRequest, type IncomingMessage, get } from 'node:http'

/** An event of a stream, its data read as JSON. */
export interface StreamEvent {
  readonly name: string
  readonly data: Record<string, unknown>
}

/** Reads server-sent events over a real connection. */
export class EventClient {
  readonly events: StreamEvent[] = []
  readonly response: IncomingMessage
  pings = 0
  isOver = false
  readonly #request: ClientRequest
  #rest = ''
  #woken: (() => void)[] = []

  private constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request
    this.response = response
    response.setEncoding('utf8').on('data', (text: string) => this.#read(text))
    response
      .on('error', () => {})
      .on('close', () => {
        this.isOver = true
        this.#wake()
      })
  }

  static open(url: string): Promise<EventClient> {
    return new Promise((resolve, reject) => {
      const request = get(url, { agent: false }, (response) => resolve(new EventClient(request, response)))
      request.on('error', reject)
    })
  }

  /** Resolves with the first event from the `from`th on that satisfies it. */
  async until(matches: (event: StreamEvent) => boolean, from = 0): Promise<StreamEvent> {
    for (;;) {
      const found = this.events.slice(from).find(matches)
      if (found !== undefined) return found
      if (this.isOver) throw new Error('the stream has ended')
      await this.#next()
    }
  }

  async untilOver(): Promise<void> {
    while (!this.isOver) await this.#next()
  }

  /** Resolves when something more has come. */
  #next(): Promise<void> {
    return new Promise((resolve) => this.#woken.push(resolve))
  }

  close(): void {
    this.#request.destroy()
  }

  #read(text: string): void {
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = blocks.pop()!
    for (const block of blocks) this.#take(block)
    this.#wake()
  }

  #take(block: string): void {
    if (block.startsWith(':')) this.pings++
    else {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block)!
      this.events.push({ name: name!, data: JSON.parse(data!) as Record<string, unknown> })
    }
  }

  #wake(): void {
    for (const wake of this.#woken.splice(0)) wake()
  }
}
