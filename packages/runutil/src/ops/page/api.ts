import type { Fields } from './router.ts'

/** What a request was refused with. */
export class ApiError extends Error {
  /** 0: there was no answer. */
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
  }
}

/** Who uses the page, and what they may do. */
export interface Session {
  readonly role: 'none' | 'read' | 'control'
  readonly name: string
  /** Whether they have signed in here. */
  readonly session: boolean
  /** Whether a token would sign them in. */
  readonly tokens: boolean
}

/** @param path relative to the API: 'jobs', with its segments encoded @throws ApiError */
export function get<T>(path: string, fields: Fields = {}, signal?: AbortSignal): Promise<T> {
  return ask<T>('GET', withFields(path, fields), undefined, signal)
}

/** Changes something. @throws ApiError */
export function post<T>(path: string, body: object = {}, fields: Fields = {}): Promise<T> {
  return ask<T>('POST', withFields(path, fields), body)
}

/** @throws ApiError */
export function remove(path: string): Promise<object> {
  return ask('DELETE', path, {})
}

/** The address of something in the API, relative to the page. */
export function apiAddress(path: string, fields: Fields = {}): string {
  return `api/v1/${withFields(path, fields)}`
}

export function toApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, 'unknown', String(error))
}

function withFields(path: string, fields: Fields): string {
  const search = new URLSearchParams(Object.entries(fields).filter(([, value]) => value !== '')).toString()
  return search === '' ? path : `${path}?${search}`
}

async function ask<T>(method: string, path: string, body?: object, signal?: AbortSignal): Promise<T> {
  const change = { 'content-type': 'application/json', 'x-runutil': '1' }
  const request: RequestInit = { method, credentials: 'same-origin', redirect: 'error' }
  if (body !== undefined) Object.assign(request, { headers: change, body: JSON.stringify(body) })
  if (signal !== undefined) request.signal = signal
  const answer = await fetch(`api/v1/${path}`, request).catch((error: unknown) => {
    if (signal?.aborted === true) throw error
    throw new ApiError(
      0,
      'no-answer',
      'the process does not answer: it may have stopped, or the network is gone',
    )
  })
  heardTime(answer.headers.get('date'))
  const value: unknown = await answer.json().catch(() => undefined)
  if (answer.ok) return value as T
  throw errorIn(answer.status, value)
}

function errorIn(status: number, value: unknown): ApiError {
  const { code, message } = (value ?? {}) as { code?: unknown; message?: unknown }
  if (typeof code === 'string' && typeof message === 'string') return new ApiError(status, code, message)
  return new ApiError(status, 'no-answer', `answered with ${status}, which is not from this server: a proxy?`)
}

let aheadMs = 0

/** Smaller differences come from the whole seconds of the header. */
const LEAST_DIFFERENCE_MS = 2_000

function heardTime(date: string | null): void {
  const difference = Date.parse(date ?? '') - Date.now()
  if (Number.isFinite(difference)) aheadMs = Math.abs(difference) > LEAST_DIFFERENCE_MS ? difference : 0
}

/** The time now by the server's clock, in ms since the epoch: that of this machine may be wrong. */
export function serverNow(): number {
  return Date.now() + aheadMs
}
