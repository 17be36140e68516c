import type { WorkerProcess } from './worker/worker-process.ts'

/** The events of `pool.on`. Each created worker gets one `destruct`; an `error` may be of one that never came up. */
export interface PoolEvents {
  created: [worker: WorkerProcess]
  destruct: [worker: WorkerProcess, reason: string]
  error: [error: Error, worker: WorkerProcess | undefined]
}
