import { codeOf, messageOf } from '../../core/thrown.ts'
import { encodedPath } from '../encoded-path.ts'
import { type CommandError, failed, wrongUsage } from './command-errors.ts'
import type { Terminal } from './terminal.ts'

export type Fields = Readonly<Record<string, string | undefined>>

/** Longer than any answer takes: a change that takes longer than 10 s is answered before it ends. */
const LIMIT_MS = 30_000

export interface ApiClientProps {
  /** Where the OpsServer is. */
  readonly url: string
  /** undefined or '': none. */
  readonly token: string | undefined
  readonly terminal: Pick<Terminal, 'clock' | 'signal'>
}

/** Asks an OpsServer. */
export class ApiClient {
  readonly url: string
  readonly #token: string | undefined
  readonly #terminal: ApiClientProps['terminal']

  /** @throws CommandError */
  constructor({ url, token, terminal }: ApiClientProps) {
    this.url = checkedUrl(url)
    this.#token = checkedToken(token)
    this.#terminal = terminal
  }

  /** @param path within the API, its segments encoded @throws CommandError */
  async get<T>(path: string, fields: Fields = {}): Promise<T> {
    return (await this.#ask(path, fields, {})) as T
  }

  /** Changes something. @throws CommandError */
  async post<T>(path: string, body: object = {}, fields: Fields = {}): Promise<T> {
    return (await this.#ask(path, fields, { method: 'POST', body: JSON.stringify(body) })) as T
  }

  async #ask(path: string, fields: Fields, request: RequestInit): Promise<unknown> {
    const { clock, signal } = this.#terminal
    const limit = new AbortController()
    const timer = clock.setTimeout(() => limit.abort(), LIMIT_MS)
    const abort = (): void => limit.abort()
    signal.addEventListener('abort', abort, { once: true })
    try {
      const response = await this.open(path, fields, { ...request, signal: limit.signal })
      return await response.json().catch((error: unknown) => {
        throw failed(`the answer of ${this.url} is no JSON: is that an OpsServer?`, error)
      })
    } finally {
      timer.clear()
      signal.removeEventListener('abort', abort)
    }
  }

  /** The answer, if it is one of success. @throws CommandError */
  async open(path: string, fields: Fields, request: RequestInit): Promise<Response> {
    const headers = {
      'content-type': 'application/json',
      'x-runutil': '1',
      ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
    }
    const address = `${this.url}api/v1/${path}${searchOf(fields)}`
    const asked = fetch(address, { ...request, headers, redirect: 'error' })
    const response = await asked.catch((error: unknown) => {
      throw this.#noAnswer(error)
    })
    if (response.ok) return response
    throw this.#refusal(response.status, await response.json().catch(() => undefined))
  }

  #noAnswer(error: unknown): CommandError {
    const { cause } = error as { cause?: unknown }
    const [first] = cause instanceof AggregateError ? (cause.errors as unknown[]) : []
    const reason = first ?? cause ?? error
    const why = codeOf(reason) === 'ECONNREFUSED' ? 'connection refused' : messageOf(reason)
    const hint =
      'is the program running, with an OpsServer at this address? --url or RUNUTIL_URL name another'
    return failed(`no answer from ${this.url}: ${why}; ${hint}`, error)
  }

  #refusal(status: number, body: unknown): CommandError {
    const { code, message } = (body ?? {}) as { code?: unknown; message?: unknown }
    if (typeof code !== 'string' || typeof message !== 'string') {
      return failed(`${this.url} answered with ${status}, which is not from an OpsServer: a proxy?`)
    }
    const text = `${message} (${code})`
    if (status === 400) return wrongUsage(text)
    const hint = '; give a token with --token or RUNUTIL_OPS_TOKEN'
    return failed(status === 401 && this.#token === undefined ? `${text}${hint}` : text)
  }
}

function searchOf(fields: Fields): string {
  const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined)
  const search = new URLSearchParams(given).toString()
  return search === '' ? '' : `?${search}`
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
  if (url === undefined || !isHttp || url.username !== '' || url.search !== '' || url.hash !== '') {
    throw wrongUsage(`--url: expected an address such as 'http://127.0.0.1:8090/'; got '${shownUrl(text)}'`)
  }
  return url.href.endsWith('/') ? url.href : `${url.href}/`
}

/** Without a password. */
function shownUrl(text: string): string {
  return text.slice(0, 80).replace(/\/\/[^/]*@/, '//…@')
}

/** What can't be in a header isn't shown either. */
function checkedToken(token: string | undefined): string | undefined {
  if (token === undefined || token === '') return undefined
  if (/^[!-~]+$/.test(token)) return token
  throw wrongUsage('--token: expected ASCII characters without spaces; got others')
}

/** The id of a job as a part of an address. @throws CommandError for what can't be one */
export function encodedId(id: string): string {
  return encodeURIComponent(addressable(id, 'id'))
}

/** The name of a kind as a part of an address. @throws CommandError for what can't be one */
export function encodedKind(kind: string): string {
  return encodedPath(addressable(kind, 'kind'))
}

function addressable(name: string, what: string): string {
  if (!['', '.', '..'].includes(name)) return name
  throw wrongUsage(`${what}: expected one that an address can have; got '${name}'`)
}
