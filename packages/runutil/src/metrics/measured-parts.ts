import type { Coordinate } from '../coordinate/model.ts'
import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import type { LeaseStore } from '../leases/lease-store.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import type { CountedManager } from './action-counts.ts'

/** What metrics tell of beside the workers of a run. */
export interface MeasuredParts {
  /** The queue whose jobs to tell of. Of their attempts, those that are made through this object. */
  queue?: JobQueue | undefined
  /** The work units to tell of. */
  coordinate?: Coordinate | undefined
  /** The managers whose actions to tell of. */
  dispatch?: CountedManager | readonly CountedManager[] | undefined
  /** Where the processes agree on the one that tells what they all know, of jobs and units. Default: each of them tells. */
  leases?: LeaseStore | undefined
}

export const MEASURED_PARTS = ['queue', 'coordinate', 'dispatch', 'leases'] as const

/** @param what whose options they are @throws InvalidArgumentError */
export function checkMeasuredParts(what: string, parts: MeasuredParts): void {
  const { queue, coordinate, dispatch = [], leases } = parts
  if (queue !== undefined && !has(queue, 'totals')) throw unexpected(`${what}: queue`, 'a JobQueue', queue)
  if (coordinate !== undefined && !has(coordinate, 'openUnits'))
    throw unexpected(`${what}: coordinate`, 'what createCoordinate() returns', coordinate)
  for (const manager of [dispatch].flat()) {
    if (!has(manager, 'do')) throw unexpected(`${what}: dispatch`, 'a Manager, or a list of them', manager)
  }
  if (leases !== undefined && !has(leases, 'acquire'))
    throw unexpected(`${what}: leases`, 'a LeaseStore', leases)
}
