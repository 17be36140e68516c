import { readsAtOnce, residentBytes } from './resident-memory.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

/** A process of a pool, as the tree shows it. */
export interface ProcessDetail {
  readonly pid: number
  readonly state: string
  /** Its resident memory in bytes; absent where that can't be read at once, and when the process has just ended. */
  readonly rss?: number
  readonly execs: number
  readonly since: Date
}

export function processDetail({ pid, state, numExecs, updated }: WorkerProcess): ProcessDetail {
  const rss = readsAtOnce ? residentBytes(pid) : 0
  return { pid, state, ...(rss > 0 && { rss }), execs: numExecs, since: updated }
}
