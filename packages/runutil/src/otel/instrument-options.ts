import type { Coordinate } from '../coordinate/model.ts'
import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import { checkOptions } from '../core/options.ts'
import type { LeaseStore } from '../leases/lease-store.ts'
import type { CountedManager } from '../metrics/action-counts.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import type { Runtime } from '../runtime/runtime.ts'

/** Options of `instrument`. */
export interface InstrumentOptions {
  /** The run whose workers to follow. Default: the run that this is a worker of. */
  runtime?: Runtime | undefined
  /** The queue whose jobs to follow: those that are enqueued and run through this object. */
  queue?: JobQueue | undefined
  /** The work units to count. */
  coordinate?: Coordinate | undefined
  /** The managers whose actions to count. */
  dispatch?: CountedManager | readonly CountedManager[] | undefined
  /** Where the processes agree on the one that tells what they all know: of the queue and of work units. Default: each of them tells. */
  leases?: LeaseStore | undefined
  /**
   * Whether an attempt at a job is a child of the span that sent the job, so that both are one trace. By default it is the root of a
   * trace of its own, with a link to that span: a job may run days later, or be tried many times.
   */
  parent?: boolean | undefined
}

const OPTIONS = ['runtime', 'queue', 'coordinate', 'dispatch', 'leases', 'parent'] as const

/** @throws InvalidArgumentError */
export function checkedOptions(options: InstrumentOptions): InstrumentOptions {
  const what = 'instrument'
  const given = checkOptions(what, options, OPTIONS)
  const { runtime, queue, coordinate, dispatch = [], leases, parent } = given
  if (runtime !== undefined && !has(runtime, 'tree'))
    throw unexpected(`${what}: runtime`, 'a Runtime', runtime)
  if (queue !== undefined && !has(queue, 'totals')) throw unexpected(`${what}: queue`, 'a JobQueue', queue)
  if (coordinate !== undefined && !has(coordinate, 'openUnits'))
    throw unexpected(`${what}: coordinate`, 'what createCoordinate() returns', coordinate)
  for (const manager of [dispatch].flat()) {
    if (!has(manager, 'do')) throw unexpected(`${what}: dispatch`, 'a Manager, or a list of them', manager)
  }
  if (leases !== undefined && !has(leases, 'acquire'))
    throw unexpected(`${what}: leases`, 'a LeaseStore', leases)
  if (parent !== undefined && typeof parent !== 'boolean')
    throw unexpected(`${what}: parent`, 'true or false', parent)
  return given
}
