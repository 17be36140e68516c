import { hostname } from 'node:os'
import { currentClock } from '../../core/context.ts'
import { type Duration, toIntervalMs } from '../../core/duration.ts'
import { InvalidDurationError, unexpected } from '../../core/errors.ts'
import { has } from '../../core/has.ts'
import { checkName, checkOptions } from '../../core/options.ts'
import { timeOrderedId } from '../../core/time-ordered-id.ts'
import { comesFirst, workerKind } from '../../core/worker-kind.ts'
import type { Worker } from '../../core/worker.ts'
import { workerReady } from '../../core/worker-ready.ts'
import { currentRuntime } from '../../runtime/runtime.ts'
import { ReplicaRun } from './replica-run.ts'
import type { ReplicaStore } from './replica-store.ts'
import { stateOf } from '../views/state.ts'

/** Options of `replica`. */
export interface ReplicaOptions {
  /** What the process is called in lists. Default: the name of its machine. */
  name?: string | undefined
  /** How often it tells that it lives; at most 10 s, since it is taken for lost after 15 s. Default 5 s. */
  every?: Duration | undefined
}

/** Twice within the time after which a process is lost would be safer; an operator may want fewer statements. */
const LONGEST_EVERY_MS = 10_000

/**
 * Makes a process without an OpsServer visible to those that have one, and lets them control its workers: for the `workers()` list of
 * a program whose page another process serves.
 *
 * Every 5 s it writes what goes on in the process to the store, in one statement, which brings the commands too. A store that is out
 * of reach stops nothing: the worker is 'firing' until it has written again.
 *
 * @throws InvalidArgumentError, InvalidDurationError
 *
 * @example
 * await runAllWorkers([mailWorker, replica(new PostgresReplicaStore(database))], shutdownSignal())
 */
export function replica(store: ReplicaStore, options: ReplicaOptions = {}): Worker {
  const { name = hostname(), every = '5s' } = checkOptions('replica', options, ['name', 'every'])
  if (!has(store, 'beat')) {
    throw unexpected('replica', 'a ReplicaStore, such as new PostgresReplicaStore(database)', store)
  }
  checkName(name, 'replica: name')
  const everyMs = everyWithin(every)
  const id = timeOrderedId()
  const runtime = currentRuntime
  const state = (): ReturnType<typeof stateOf> => stateOf(currentRuntime()!, id, currentClock())
  const beating = new ReplicaRun({ id, store, name, everyMs, state, runtime })
  const worker = {
    [workerKind]: 'replica',
    [comesFirst]: 'itself' as const,
    run: (signal: AbortSignal): Promise<void> => {
      workerReady()
      return beating.run(signal)
    },
  }
  return worker
}

/** @throws InvalidDurationError */
function everyWithin(every: Duration): number {
  const everyMs = toIntervalMs(every, 'replica: every')
  if (everyMs <= LONGEST_EVERY_MS) return everyMs
  const longest = `at most ${LONGEST_EVERY_MS} ms, since a process is taken for lost after 15 s`
  throw new InvalidDurationError(`replica: every: expected ${longest}; got ${everyMs} ms`)
}
