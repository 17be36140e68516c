/**
 * A store can't be reached for now: its server is down, restarting or out of connections. To be tried again.
 *
 * With `outcomeUnknown`, the connection broke after a statement was sent: it may or may not have taken effect.
 */
export class StoreUnavailableError extends Error {
  readonly code = 'ERR_STORE_UNAVAILABLE'
  readonly outcomeUnknown: boolean
  static {
    this.prototype.name = 'StoreUnavailableError'
  }
  constructor(message: string, facts: { outcomeUnknown: boolean; cause?: unknown }) {
    super(message, { cause: facts.cause })
    this.outcomeUnknown = facts.outcomeUnknown
  }
}
