import { randomUUID } from 'node:crypto'
import { type Action, type ActionRecord, LOST, toAction } from './action.ts'
import { ActionFailedError, WorkerLostError } from './errors.ts'

interface Outcome<I, O> {
  readonly resolve: (action: Action<I, O>) => void
  readonly reject: (error: unknown) => void
  readonly ended: Promise<void>
  readonly end: () => void
  /** What a handler in this process threw, and as the ledger has it. */
  threw?: { readonly error: Error; readonly text: string }
}

/** Who waits for what becomes of which action. */
export class Outcomes<I, O> {
  readonly #waiting = new Map<string, Outcome<I, O>>()

  open(): { id: string; completed: Promise<Action<I, O>>; drop: (error: unknown) => void } {
    const id = randomUUID()
    let end!: () => void
    const ended = new Promise<void>((resolve) => (end = resolve))
    const completed = new Promise<Action<I, O>>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, ended, end })
    })
    // Nobody has to look.
    completed.catch(() => {})
    return { id, completed, drop: (error) => this.#drop(id, error) }
  }

  /** @param text as it is written down */
  knowError(id: string, error: Error, text: string): void {
    const outcome = this.#waiting.get(id)
    if (outcome !== undefined) outcome.threw = { error, text }
  }

  /** The actions that somebody waits for. */
  get ids(): string[] {
    return [...this.#waiting.keys()]
  }

  /** At once for one that nobody waits for. */
  ended(id: string): Promise<void> {
    return this.#waiting.get(id)?.ended ?? Promise.resolve()
  }

  settle(record: ActionRecord): void {
    const { id, status, error = '' } = record
    const outcome = this.#waiting.get(id)
    if (outcome === undefined) return
    this.#waiting.delete(id)
    if (status === 'succeeded') outcome.resolve(toAction(record))
    else outcome.reject(outcome.threw?.text === error ? outcome.threw.error : failureOf(id, error))
    outcome.end()
  }

  dropAll(error: Error): void {
    for (const id of this.ids) this.#drop(id, error)
  }

  #drop(id: string, error: unknown): void {
    const outcome = this.#waiting.get(id)
    this.#waiting.delete(id)
    outcome?.reject(error)
    outcome?.end()
  }
}

function failureOf(id: string, error: string): Error {
  return error === LOST.error ? new WorkerLostError() : new ActionFailedError(id, error)
}
