import type { WorkerChange } from '../core/worker-state.ts'

/**
 * A change of a worker: one event per change of state, and `ran` for each run of a repeating worker. A failure is `failed`, then
 * `restarting`. Folding all events of a run gives the states and counts of its tree.
 */
export type RuntimeEvent = { at: Date; path: string } & WorkerChange
