import { randomUUID } from 'node:crypto'
import { type Action, type ActionRecord, LOST, toAction } from './action.ts'
import { ActionFailedError, WorkerLostError } from './errors.ts'
import { ownTarget } from './own-target.ts'

/** What `do` returns: a promise of the action's id, resolved once the worker has taken the task. */
export type TaskSubmission<I = unknown, O = unknown> = Promise<string> & {
  /**
   * The action once it has succeeded. Rejects with the error when it fails; ignoring it never causes an unhandled rejection.
   */
  readonly completed: Promise<Action<I, O>>
}

/** One task from the call of `do` to its end: submitted ─► taken by its worker ─► completed. It may end at any step. */
export class Submission<I = unknown, O = unknown> {
  /** The id of the task's action. */
  readonly id = randomUUID()
  readonly target: string
  readonly input: I
  /** The target that the caller holds exclusively; see `ownTarget`. */
  readonly callerTarget = ownTarget()
  /** Resolves when the worker has taken the task, or when no worker will take it. */
  readonly taken: Promise<void>
  readonly completed: Promise<Action<I, O>>
  #thrown: { readonly error: Error; readonly text: string } | undefined
  #take!: () => void
  #succeed!: (action: Action<I, O>) => void
  #fail!: (error: unknown) => void

  constructor(target: string, input: I) {
    this.target = target
    this.input = input
    this.taken = new Promise((resolve) => (this.#take = resolve))
    this.completed = new Promise((resolve, reject) => {
      this.#succeed = resolve
      this.#fail = reject
    })
    // Callers may ignore it.
    this.completed.catch(() => {})
  }

  /** The worker has taken the task. */
  take(): void {
    this.#take()
  }

  /** Keeps the error that a handler of this process threw, for `completed`. @param text the error as stored in the ledger */
  noteThrown(error: Error, text: string): void {
    this.#thrown = { error, text }
  }

  /** @param record an action that has ended */
  settle(record: ActionRecord): void {
    if (record.status === 'succeeded') this.#succeed(toAction(record))
    else this.#fail(this.#errorOf(record))
    this.#take()
  }

  reject(error: unknown): void {
    this.#fail(error)
    this.#take()
  }

  /** @param taken rejects when the action was not written */
  returned(taken: Promise<string>): TaskSubmission<I, O> {
    const completed = (): Promise<Action<I, O>> => {
      // `completed` rejects with the same error.
      taken.catch(() => {})
      return this.completed
    }
    return Object.defineProperty(taken, 'completed', { get: completed }) as TaskSubmission<I, O>
  }

  #errorOf({ id, error = '' }: ActionRecord): Error {
    if (this.#thrown?.text === error) return this.#thrown.error
    return error === LOST.error ? new WorkerLostError() : new ActionFailedError(id, error)
  }
}
