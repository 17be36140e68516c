import { CallBatcher } from '../core/call-batcher.ts'
import { systemClock } from '../core/clock-system.ts'
import type { Clock } from '../core/clock.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import type { AttemptEnd, AttemptRow, CoordinateStore, CoordinateTables, Named } from './coordinate-store.ts'
import type { Attempt, CoordinateWorkerRecord, Namespace, WorkSpec, WorkUnit } from './model.ts'

/** Creates the handles of stored objects. They refer to each other, so they are created in one place. */
export interface Handles {
  namespace(namespace: Named): Namespace
  workSpec(spec: Named): WorkSpec
  workUnit(unit: Named, workSpec: WorkSpec): WorkUnit
  worker(worker: Named): CoordinateWorkerRecord
  attempt(attempt: AttemptRow): Attempt
}

/** State shared by all handles of one `createCoordinate`. */
export class Session {
  readonly store: CoordinateTables
  readonly make: Handles
  readonly #ends: CallBatcher<AttemptEnd, Error | undefined>
  readonly #clock: Clock | undefined

  constructor(store: CoordinateStore, clock: Clock | undefined, handles: (session: Session) => Handles) {
    this.store = store.withTime(clock && (() => clock.now()))
    this.#clock = clock
    // An end that the store refuses must not fail the others in its batch.
    const isCallError = (error: unknown): boolean => !(error instanceof StoreUnavailableError)
    this.#ends = new CallBatcher((ends) => this.store.attempts.end(ends), { isCallError })
    this.make = handles(this)
  }

  /** @param size the length of its data as JSON @throws ErrNotPending, ErrLostLease, ErrGone */
  async end(end: AttemptEnd, size: number): Promise<void> {
    const error = await this.#ends.call(end, size)
    if (error !== undefined) throw error
  }

  random(): number {
    return (this.#clock ?? systemClock).random()
  }
}
