import pg from 'pg'

const BETWEEN_TRIES_MS = 50
const BETWEEN_LOOKS_MS = 50

/** Looks at the database through whatever is done to it: a connection that broke is made again. */
export class Observer {
  readonly #url: string
  readonly #signal: AbortSignal
  #client: pg.Client | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /** @param signal ends all waiting, with its reason */
  constructor(url: string, signal: AbortSignal) {
    this.#url = url
    this.#signal = signal
  }

  /** The rows of a statement that may be run twice. One at a time. */
  ask<Row>(text: string, params: unknown[] = []): Promise<Row[]> {
    const asked = this.#turn.then(() => this.#ask<Row>(text, params))
    this.#turn = asked.catch(() => {})
    return asked
  }

  async #ask<Row>(text: string, params: unknown[]): Promise<Row[]> {
    for (;;) {
      this.#signal.throwIfAborted()
      try {
        const client = (this.#client ??= await this.#connect())
        return (await client.query(text, params)).rows as Row[]
      } catch (error) {
        if (!isAway(error)) throw error
        this.#client = undefined
        await pause(BETWEEN_TRIES_MS)
      }
    }
  }

  /** Resolves when `look` says so. */
  async until(look: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await look())) {
      this.#signal.throwIfAborted()
      await pause(BETWEEN_LOOKS_MS)
    }
  }

  async close(): Promise<void> {
    await this.#client?.end().catch(() => {})
  }

  async #connect(): Promise<pg.Client> {
    // What the server is told to refuse to others doesn't count here.
    const options = '-c statement_timeout=0 -c lock_timeout=0 -c default_transaction_read_only=off'
    const client = new pg.Client({ connectionString: this.#url, application_name: 'observer', options })
    // A lost one is found out by the next question.
    client.on('error', () => {})
    await client.connect()
    return client
  }
}

function isAway(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || /^(08|57P)/.test(error.code ?? '')
}

/** A look at what can't call back: the database, after a connection broke. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
