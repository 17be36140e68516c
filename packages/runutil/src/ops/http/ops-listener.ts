import { type RequestListener, type Server, type ServerResponse, createServer } from 'node:http'
import type { Clock, Timer } from '../../core/clock.ts'
import { listenError } from '../../core/listen-errors.ts'

/** How long a request has to arrive. */
const REQUEST_MS = 30_000
/** How long running requests have to end in a stop. */
const CUT_OFF_MS = 1_000

/** The server's own listening socket, and its connections. */
export class OpsListener {
  readonly #server: Server
  readonly #running = new Set<ServerResponse>()
  #isStopping = false

  constructor(listener: RequestListener) {
    this.#server = createServer({ requestTimeout: REQUEST_MS }, (request, response) => {
      this.#running.add(response)
      if (this.#isStopping) response.setHeader('connection', 'close')
      response.on('close', () => {
        this.#running.delete(response)
        // Its connection was kept alive, and is idle now.
        if (this.#isStopping) this.#server.closeIdleConnections()
      })
      listener(request, response)
    })
  }

  /** @returns the port @throws PortInUseError, HostNotFoundError */
  async listen(host: string, port: number): Promise<number> {
    const listening = new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    await listening.catch((error: unknown) => {
      throw listenError(error, port, host, 'port: 0 is any free one')
    })
    return (this.#server.address() as { readonly port: number }).port
  }

  /** Rejects with an error of the socket. */
  failed(): Promise<never> {
    return new Promise((_, reject) => this.#server.on('error', reject))
  }

  /** Accepts nothing more, and resolves when all connections are closed: those that are busy after a second are cut off. */
  async stop(clock: Clock): Promise<void> {
    this.#isStopping = true
    for (const response of this.#running) if (!response.headersSent) response.setHeader('connection', 'close')
    let cut: Timer | undefined
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      cut = clock.setTimeout(() => this.#server.closeAllConnections(), CUT_OFF_MS)
    })
    cut?.clear()
  }
}
