import { systemClock } from '../core/clock-system.ts'
import type { Clock } from '../core/clock.ts'
import type { AttemptRow, CoordinateStore, CoordinateTables, Named } from './coordinate-store.ts'
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
  readonly #clock: Clock | undefined

  constructor(store: CoordinateStore, clock: Clock | undefined, handles: (session: Session) => Handles) {
    this.store = store.withTime(clock && (() => clock.now()))
    this.#clock = clock
    this.make = handles(this)
  }

  random(): number {
    return (this.#clock ?? systemClock).random()
  }
}
