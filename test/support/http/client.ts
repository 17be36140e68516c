import { Agent, type RequestOptions, get } from 'node:http'
import { Agent as TlsAgent, get as getByTls } from 'node:https'

export const HOST = '127.0.0.1'

export interface Answer {
  readonly text: string
  readonly connection: string | undefined
}

/** A client that keeps one connection open between its requests. */
export class KeepAliveClient {
  readonly #agent: Agent
  readonly #options: RequestOptions

  /** @param ca the certificate of a `node:https` server */
  constructor(port: number, ca?: string) {
    const settings = { keepAlive: true, maxSockets: 1 }
    this.#agent = ca === undefined ? new Agent(settings) : new TlsAgent({ ...settings, ca })
    this.#options = { host: HOST, port, agent: this.#agent }
  }

  /** The number of its open connections without a request. */
  get kept(): number {
    return Object.values(this.#agent.freeSockets).flat().length
  }

  ask(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const send = this.#agent instanceof TlsAgent ? getByTls : get
    return new Promise((resolve, reject) => {
      const request = send({ ...this.#options, path, headers }, (response) => {
        let text = ''
        response.on('data', (data) => (text += String(data)))
        response.on('end', () => resolve({ text, connection: response.headers.connection }))
        response.on('error', reject)
      })
      request.on('error', reject)
    })
  }
}
