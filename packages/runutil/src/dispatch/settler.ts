import type { ActionChanges } from './action-changes.ts'
import { type HandlerResult, judge } from './handler-result.ts'
import type { Submissions } from './submissions.ts'
import type { WorkerInfo } from './task-exchange.ts'

/** Ends actions by the results of their handlers. */
export class Settler {
  readonly #changes: ActionChanges
  readonly #submissions: Pick<Submissions, 'noteThrown'>

  constructor(changes: ActionChanges, submissions: Pick<Submissions, 'noteThrown'>) {
    this.#changes = changes
    this.#submissions = submissions
  }

  /** Retries until `signal` has aborted and 20 s have passed. */
  settle(id: string, result: HandlerResult, worker: WorkerInfo, signal: AbortSignal): Promise<void> {
    const ending = judge(result)
    if (result.kind === 'threw') this.#submissions.noteThrown(id, result.error, ending.error ?? '')
    return this.#changes.end(id, ending, worker, signal)
  }
}
