/**
 * A store can't be reached, or can't do it for now: its server is down, restarting or out of connections, read-only after
 * a failover, out of space, or says that a statement took too long. To be tried again.
 *
 * With `outcomeUnknown`, the connection broke after a statement was sent: it may or may not have taken effect.
 */
export class StoreUnavailableError extends Error {
  readonly code = 'ERR_STORE_UNAVAILABLE'
  readonly outcomeUnknown: boolean
  /** The server is there and said itself that it can't for now; nothing took effect. */
  readonly answered: boolean
  static {
    this.prototype.name = 'StoreUnavailableError'
  }
  constructor(
    message: string,
    facts: { outcomeUnknown: boolean; answered?: boolean | undefined; cause?: unknown },
  ) {
    super(message, { cause: facts.cause })
    this.outcomeUnknown = facts.outcomeUnknown
    this.answered = facts.answered ?? false
  }
}
