import type { WorkerChange } from '../core/worker-record.ts'

/**
 * What happens to a worker: one event a change of its state, and `ran` for each run of what runs again and again. A failure
 * is `failed`, then `restarting`. Folding all events of a run gives the states and counts of its tree.
 */
export type RuntimeEvent = { at: Date; path: string } & WorkerChange
