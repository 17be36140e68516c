import { ErrLostLease } from '../core/err-lost-lease.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import { asciiText, storableText } from '../core/text.ts'
import { isInstance, messageOf, stackOf } from '../core/thrown.ts'
import type { AttemptHandle } from './attempt-handle.ts'
import { ErrGone, ErrNotPending } from './errors.ts'

/**
 * Fails an attempt, with whatever was thrown as the reason in its data. A reason that the store can't hold is written in
 * ASCII.
 *
 * @throws the store's error
 */
export async function failAttempt(attempt: AttemptHandle, thrown: unknown): Promise<void> {
  const { data } = attempt.leased
  const reason = reasonOf(thrown)
  try {
    await attempt.fail({ ...data, ...reason })
  } catch (error) {
    if (isKnown(error)) throw error
    await attempt.fail({ ...data, message: asciiText(reason.message) })
  }
}

function reasonOf(thrown: unknown): { message: string; stack?: string } {
  const stack = isInstance(thrown, Error) ? stackOf(thrown) : undefined
  const said = messageOf(thrown)
  const message = isInstance(thrown, Error) ? said : `a non-Error was thrown: ${said}`
  return { message: storable(message), ...(stack !== undefined && { stack: storable(stack) }) }
}

function storable(text: string): string {
  return storableText(text.replaceAll('\0', '\ufffd'))
}

function isKnown(error: unknown): boolean {
  return [StoreUnavailableError, ErrNotPending, ErrLostLease, ErrGone].some((type) => error instanceof type)
}
