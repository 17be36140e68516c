import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { OpsError } from '../ops-error.ts'

/** What a route answers: JSON unless `type` says otherwise. */
export interface Answer {
  readonly status: number
  readonly body?: unknown
  /** Of a body that is text, in one piece or several, or bytes. */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
}

export const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const

/** Sends an answer, unless the connection is gone or goes meanwhile. Never rejects. */
export async function send(response: ServerResponse, answer: Answer): Promise<void> {
  if (response.headersSent || response.destroyed) return
  const { status, body, type, headers = {} } = answer
  const pieces =
    type === undefined ? [JSON.stringify(body ?? {})] : ([body].flat() as (string | Uint8Array)[])
  setSecurityHeaders(response)
  response.statusCode = status
  response.setHeader('content-type', type ?? 'application/json; charset=utf-8')
  response.setHeader(
    'content-length',
    pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0),
  )
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (pieces.length === 1) response.end(pieces[0])
  else await pipeline(pieces, response).catch(() => response.destroy())
}

export function setSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value)
}

export function errorAnswer({ status, code, message, headers }: OpsError): Answer {
  return { status, body: { code, message }, headers }
}
