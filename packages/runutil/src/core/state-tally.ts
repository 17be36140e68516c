import type { Tally, WorkerRecord } from './worker-record.ts'
import type { WorkerChange, WorkerState } from './worker-state.ts'

/** The state of a class is the first of these that any of its workers is in. */
const ORDER: readonly WorkerState[] = [
  'abandoned',
  'hung',
  'stopping',
  'restarting',
  'waiting',
  'starting',
  'failed',
  'ready',
  'paused',
  'stopped',
  'done',
]

/**
 * Moves a class along with its workers, as a state of its own, so that it has the events of a worker: its `runs`
 * are its starts, and it has failed or is restarting as often as its events say.
 */
export class StateTally implements Tally {
  readonly #of: WorkerRecord
  readonly #counts = new Map<WorkerState, number>()

  constructor(of: WorkerRecord) {
    this.#of = of
  }

  add(state: WorkerState): void {
    this.#count(state, 1)
    this.#follow()
  }

  remove(state: WorkerState): void {
    this.#count(state, -1)
    this.#follow()
  }

  /** One of them has changed its state. */
  moved(from: WorkerState, to: WorkerState, change: WorkerChange | undefined): void {
    this.#count(from, -1)
    this.#count(to, 1)
    this.#follow(change)
  }

  #count(state: WorkerState, by: number): void {
    this.#counts.set(state, (this.#counts.get(state) ?? 0) + by)
  }

  #follow(change?: WorkerChange): void {
    const record = this.#of
    const state = ORDER.find((one) => (this.#counts.get(one) ?? 0) > 0)
    if (state === undefined || state === record.state) return
    if (state === 'starting') record.runs++
    if (state === 'restarting') record.restarts++
    if (state === 'failed') {
      record.failures++
      record.lastError = this.#memberIn(state)?.lastError
    }
    record.moveTo(state, change?.type === state ? change : this.#changeInto(state))
  }

  /** Of one that has been in that state for a while: another no longer hides it. */
  #changeInto(state: WorkerState): WorkerChange | undefined {
    const member = this.#memberIn(state)
    if (member === undefined) return undefined
    const { lastError, restarts, since } = member
    if (state === 'failed') return { type: state, error: new Error(lastError?.message) }
    if (state === 'restarting') return { type: state, attempt: restarts, delayMs: 0, with: [] }
    const forMs = this.#of.records.clock.now() - since
    return state === 'hung' || state === 'abandoned' ? { type: state, forMs } : undefined
  }

  #memberIn(state: WorkerState): WorkerRecord | undefined {
    return this.#of.children?.find((child) => child.state === state)
  }
}
