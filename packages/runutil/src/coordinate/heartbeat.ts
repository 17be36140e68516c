import { availableParallelism, hostname } from 'node:os'
import type { Data } from './data.ts'
import type { WorkerUpdate } from './model.ts'

/** How long a worker counts as live after its last heartbeat. */
const EXPIRES_AFTER_MS = 15 * 60_000

/** A worker's heartbeat. @param now in ms since the epoch */
export function heartbeat(tasks: readonly string[], now: number): WorkerUpdate {
  const expiration = new Date(now + EXPIRES_AFTER_MS)
  return { data: processInfo(tasks), now: new Date(now), expiration, mode: 'run' }
}

function processInfo(tasks: readonly string[]): Data {
  return {
    hostname: hostname(),
    pid: process.pid,
    cpus: availableParallelism(),
    node: process.version,
    memory: process.memoryUsage.rss(),
    tasks,
  }
}
