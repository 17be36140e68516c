import { ErrLostLease } from '../core/err-lost-lease.ts'
import { failAttempt } from './attempt-failure.ts'
import { type AttemptHandle, attemptHandles } from './attempt-handle.ts'
import { ErrGone, ErrNotPending } from './errors.ts'
import type { HeldAttempts } from './held-attempts.ts'
import type { CoordinateWorkerRecord } from './model.ts'

export interface AttemptCallsProps {
  readonly child: CoordinateWorkerRecord
  /** Attempts found to have ended, or to be lost, are removed from it. */
  readonly held: HeldAttempts
  readonly onError: (error: unknown) => void
}

/** Calls of the store for the attempts of a task. None rejects. */
export class AttemptCalls {
  readonly #props: AttemptCallsProps
  #hasLost = false

  constructor(props: AttemptCallsProps) {
    this.#props = props
  }

  /** Whether an attempt of the task was taken by another worker or removed. */
  get hasLost(): boolean {
    return this.#hasLost
  }

  /** @returns undefined when the store can't be reached */
  async active(): Promise<AttemptHandle[] | undefined> {
    try {
      return attemptHandles(await this.#props.child.activeAttempts())
    } catch (error) {
      if (error instanceof ErrGone) return []
      this.#props.onError(error)
      return undefined
    }
  }

  /** @returns whether all pending attempts could be failed */
  async failPending(error: unknown): Promise<boolean> {
    const { held } = this.#props
    const pending = (await this.active())?.filter((attempt) => held.has(attempt)) ?? held.all
    return this.forEach(pending, async (attempt) => {
      await failAttempt(attempt, error)
      held.drop(attempt)
    })
  }

  /** @returns whether the state of each attempt is known afterwards */
  async forEach(
    attempts: readonly AttemptHandle[],
    call: (attempt: AttemptHandle) => Promise<void>,
  ): Promise<boolean> {
    const known = await Promise.all(
      attempts.map((attempt) =>
        call(attempt).then(
          () => true,
          (error: unknown) => this.#isKnown(attempt, error),
        ),
      ),
    )
    return known.every(Boolean)
  }

  #isKnown(attempt: AttemptHandle, error: unknown): boolean {
    const { held, onError } = this.#props
    const isLost = error instanceof ErrLostLease || error instanceof ErrGone
    if (isLost) this.#hasLost = true
    if (isLost || error instanceof ErrNotPending) held.drop(attempt)
    else onError(error)
    return !held.has(attempt)
  }
}
