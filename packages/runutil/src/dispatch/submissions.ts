import type { ActionRecord } from './action.ts'
import type { Submission } from './submission.ts'

/** The submissions of one manager that have not completed, by the ids of their actions. */
export class Submissions<I = unknown, O = unknown> {
  readonly #open = new Map<string, Submission<I, O>>()

  add(submission: Submission<I, O>): void {
    this.#open.set(submission.id, submission)
  }

  get ids(): string[] {
    return [...this.#open.keys()]
  }

  /** @param text the error as stored in the ledger */
  noteThrown(id: string, error: Error, text: string): void {
    this.#open.get(id)?.noteThrown(error, text)
  }

  /** Does nothing unless the action has ended. */
  settle(record: ActionRecord): void {
    if (record.status !== 'running') this.#remove(record.id)?.settle(record)
  }

  reject(id: string, error: unknown): void {
    this.#remove(id)?.reject(error)
  }

  rejectAll(error: Error): void {
    for (const id of this.ids) this.reject(id, error)
  }

  #remove(id: string): Submission<I, O> | undefined {
    const submission = this.#open.get(id)
    this.#open.delete(id)
    return submission
  }
}
