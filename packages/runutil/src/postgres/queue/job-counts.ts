import type { JobStatus } from '../../queue/job.ts'
import { type JobCounts, noJobs } from '../../queue/job-store.ts'

/** How many jobs of a kind have a status; WAITING are those of the PENDING ones that nobody holds. */
export type CountRow = [kind: string, status: JobStatus | 'WAITING', count: number]

export function toCounts(rows: readonly CountRow[]): JobCounts {
  // A Map: a kind may be called '__proto__'.
  const counts = new Map(rows.map(([kind]) => [kind, noJobs()]))
  for (const [kind, status, count] of rows) {
    const ofKind = counts.get(kind)!
    if (status === 'WAITING') {
      ofKind.PENDING += count
      ofKind.RUNNING -= count
    } else {
      ofKind[status === 'PENDING' ? 'RUNNING' : status] += count
    }
  }
  return Object.fromEntries(counts)
}
