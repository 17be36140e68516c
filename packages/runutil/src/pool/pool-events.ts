import type { WorkerProcess } from './worker/worker-process.ts'

/** The events of `pool.on`. Each created worker gets one `destruct`; an `error` may concern a worker that never started. */
export interface PoolEvents {
  /** A worker has answered its handshake, and is ready. */
  created: [worker: WorkerProcess]
  /** A created worker is about to be stopped, or was found dead; `reason` says why, in words. */
  destruct: [worker: WorkerProcess, reason: string]
  /** A worker broke or failed to start; `worker` is undefined where none was made. */
  error: [error: Error, worker: WorkerProcess | undefined]
}
