import { ErrLostLease } from '../core/err-lost-lease.ts'
import { failAttempt } from './attempt-failure.ts'
import { type AttemptHandle, attemptHandles } from './attempt-handle.ts'
import { ErrGone, ErrNotPending } from './errors.ts'
import type { HeldAttempts } from './held-attempts.ts'
import type { CoordinateWorkerRecord } from './model.ts'

export interface AttemptCallsProps {
  readonly child: CoordinateWorkerRecord
  /** Those that turn out to have ended, or to be lost, are dropped from it. */
  readonly held: HeldAttempts
  readonly onError: (error: unknown) => void
}

/** What a task's worker asks the store about the task's attempts. None of it rejects. */
export class AttemptCalls {
  readonly #props: AttemptCallsProps
  #hasLost = false

  constructor(props: AttemptCallsProps) {
    this.#props = props
  }

  /** Others have taken, or somebody has removed, one that the task held. */
  get hasLost(): boolean {
    return this.#hasLost
  }

  /** @returns undefined when the store can't be asked */
  async active(): Promise<AttemptHandle[] | undefined> {
    try {
      return attemptHandles(await this.#props.child.activeAttempts())
    } catch (error) {
      if (error instanceof ErrGone) return []
      this.#props.onError(error)
      return undefined
    }
  }

  /** @returns whether all that are pending could be failed */
  async failPending(error: unknown): Promise<boolean> {
    const { held } = this.#props
    const pending = (await this.active())?.filter((attempt) => held.has(attempt)) ?? held.all
    return this.forEach(pending, async (attempt) => {
      await failAttempt(attempt, error)
      held.drop(attempt)
    })
  }

  /** @returns whether of each is known what has become of it */
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
