import { availableParallelism, hostname } from 'node:os'
import type { Data } from './model.ts'

/** What a worker says of itself. */
export function vitals(tasks: readonly string[]): Data {
  return {
    hostname: hostname(),
    pid: process.pid,
    cpus: availableParallelism(),
    node: process.version,
    memory: process.memoryUsage.rss(),
    tasks,
  }
}
