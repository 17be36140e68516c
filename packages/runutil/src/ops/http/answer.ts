import type { ServerResponse } from 'node:http'
import type { OpsError } from '../ops-error.ts'

/** What a route answers: JSON unless `type` says otherwise. */
export interface Answer {
  readonly status: number
  readonly body?: unknown
  /** Of a body that is text or bytes. */
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

/** Sends an answer, unless the connection is gone. */
export function send(response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) return
  const { status, body, type, headers = {} } = answer
  const bytes = type === undefined ? JSON.stringify(body ?? {}) : (body as string | Uint8Array)
  setSecurityHeaders(response)
  response.statusCode = status
  response.setHeader('content-type', type ?? 'application/json; charset=utf-8')
  response.setHeader('content-length', Buffer.byteLength(bytes))
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(bytes)
}

export function setSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value)
}

export function errorAnswer({ status, code, message, headers }: OpsError): Answer {
  return { status, body: { code, message }, headers }
}
