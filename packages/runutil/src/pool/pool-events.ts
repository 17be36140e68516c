import type { WorkerProcess } from './worker/worker-process.ts'

/** What `pool.on` hears. Each created worker gets one `destruct`; an `error` may be of one that never came up. */
export interface PoolEvents {
  created: [worker: WorkerProcess]
  destruct: [worker: WorkerProcess, reason: string]
  error: [error: Error, worker: WorkerProcess | undefined]
}
