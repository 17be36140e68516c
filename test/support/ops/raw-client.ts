import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Undefined if it isn't JSON. */
  readonly json:
    { readonly code?: string; readonly message?: string; readonly [key: string]: unknown } | undefined
}

export interface RawRequest {
  readonly method?: string
  /** Sent as it is, without the normalisation that `fetch` does. */
  readonly path?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
}

/** What a page of the server itself sends with a change. */
export const CHANGE: OutgoingHttpHeaders = { 'content-type': 'application/json', 'x-runutil': '1' }

/** A request with any headers, also those that `fetch` doesn't let be set. */
export async function ask(port: number, asked: RawRequest = {}): Promise<RawAnswer> {
  const { method = 'GET', path = '/', headers = {}, body } = asked
  const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  const isJson = response.headers['content-type']?.startsWith('application/json') === true && text !== ''
  const json = isJson ? (JSON.parse(text) as RawAnswer['json']) : undefined
  return { status: response.statusCode!, headers: response.headers, text, json }
}
