import type { Clock } from '../../core/clock.ts'
import { type Runtime, recordsOf } from '../../runtime/runtime.ts'
import { jsonValue, setProperty } from './json-value.ts'
import { measuredLoop } from './loop-meter.ts'
import type { State } from './read-model.ts'
import { NO_WORKERS, workerList } from './worker-list.ts'

/** So many workers are shown; of more, the others are counted. */
export const MOST_WORKERS = 1_000

/**
 * What goes on in this process now. Nothing is kept between the calls.
 *
 * @param replica the id of this process
 */
export function stateOf(runtime: Runtime, replica: string, clock: Clock): State {
  const root = recordsOf(runtime)?.root
  const { nodes, folded } = root === undefined ? NO_WORKERS : workerList(root, MOST_WORKERS)
  const workers: Record<string, unknown> = {}
  for (const { path, ...node } of nodes) setProperty(workers, path, jsonValue(node))
  const { rss, heapUsed, external } = process.memoryUsage()
  return {
    at: new Date(clock.now()).toISOString(),
    replica,
    workers: workers as State['workers'],
    ...(folded !== undefined && { folded }),
    loop: measuredLoop(),
    memory: { rss, heapUsed, external },
  }
}
