import { brandError } from './brand.ts'

/**
 * A store cannot be reached or cannot serve the call for now: its server is down, restarting, out of connections, read-only after
 * a failover or out of space, or a statement took too long. The call can be retried.
 *
 * With `outcomeUnknown`, the connection broke after a statement was sent: it may or may not have taken effect.
 */
export class StoreUnavailableError extends Error {
  readonly code = 'ERR_STORE_UNAVAILABLE'
  /** Whether the call may have taken effect; false: it has not. */
  readonly outcomeUnknown: boolean
  /** The server itself refused; nothing took effect. */
  readonly answered: boolean
  static {
    brandError(this, 'StoreUnavailableError')
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
