import { once } from 'node:events'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from 'runutil'
import type { Clock } from '../../../packages/runutil/src/core/clock.ts'
import { OpsHandler } from '../../../packages/runutil/src/ops/http/ops-handler.ts'
import type { OpsOptions } from '../../../packages/runutil/src/ops/ops-options.ts'
import { Sessions } from '../../../packages/runutil/src/ops/access/sessions.ts'
import { resolveSettings } from '../../../packages/runutil/src/ops/settings.ts'
import { WrongTokens } from '../../../packages/runutil/src/ops/access/wrong-tokens.ts'
import { SeenProxy } from '../../../packages/runutil/src/ops/access/seen-proxy.ts'
import { FakeServices } from './fake-services.ts'
import { CHANGE, type RawAnswer, type RawRequest, ask } from './raw-client.ts'

export interface FakeServerProps {
  readonly options?: OpsOptions
  readonly clock?: Clock
  readonly environment?: NodeJS.ProcessEnv
  /** What a framework does with requests first. */
  readonly before?: (request: IncomingMessage) => Promise<void> | void
}

/** The routes on a port of their own, in front of fakes. */
export class FakeServer {
  readonly fakes = new FakeServices()
  readonly handler: OpsHandler
  readonly #server: Server

  private constructor({ options = {}, clock = systemClock, environment = {}, before }: FakeServerProps) {
    const settings = resolveSettings(options, environment)
    const wrongTokens = new WrongTokens(clock)
    const sessions = new Sessions(settings, wrongTokens, clock)
    const services = { ...this.fakes.services, sessions }
    this.handler = new OpsHandler({ settings, services, wrongTokens, proxy: new SeenProxy(), clock })
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      await before?.(request)
      await this.handler.handle(request, response)
    }
    this.#server = createServer((request, response) => void answer(request, response))
  }

  static async start(props: FakeServerProps = {}): Promise<FakeServer> {
    const server = new FakeServer(props)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get(path: string, headers: RawRequest['headers'] = {}): Promise<RawAnswer> {
    return ask(this.port, { path, headers })
  }

  /** As a page of the server would send it. */
  post(path: string, body: unknown, headers: RawRequest['headers'] = {}): Promise<RawAnswer> {
    const text = body === undefined ? '' : JSON.stringify(body)
    return ask(this.port, { method: 'POST', path, headers: { ...CHANGE, ...headers }, body: text })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
