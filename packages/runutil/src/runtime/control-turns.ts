import type { WorkerRecord } from '../core/worker-record.ts'
import { unobserved } from './unobserved.ts'

/** An operator's calls on one worker take turns; those on others do not wait for them. */
export class ControlTurns {
  readonly #last = new WeakMap<WorkerRecord, Promise<unknown>>()

  /** Calls back when the calls before it have settled. */
  take<T>(record: WorkerRecord, call: () => T | Promise<T>): Promise<T> {
    const before = this.#last.get(record) ?? Promise.resolve()
    const turn = unobserved(before.then(call))
    this.#last.set(
      record,
      turn.catch(() => {}),
    )
    return turn
  }
}
