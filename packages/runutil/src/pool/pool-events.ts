import type { WorkerProcess } from './worker/worker-process.ts'

/** The events of `pool.on`. Each created worker gets one `destruct`; an `error` may concern a worker that never started. */
export interface PoolEvents {
  created: [worker: WorkerProcess]
  destruct: [worker: WorkerProcess, reason: string]
  error: [error: Error, worker: WorkerProcess | undefined]
}
