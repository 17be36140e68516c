import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from '../access/caller.ts'

/** One request, as a route gets it. */
export interface Call {
  /** Of the path, decoded. */
  readonly parameters: Readonly<Record<string, string>>
  /** Checked against the route's. */
  readonly query: Readonly<Record<string, string>>
  /** `{}` for routes without one. */
  readonly body: Readonly<Record<string, unknown>>
  readonly caller: Caller
  readonly request: IncomingMessage
  /** For routes that answer by themselves, and return undefined. */
  readonly response: ServerResponse
}
