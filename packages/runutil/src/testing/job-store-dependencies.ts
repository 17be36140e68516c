import type { NewJob } from '../queue/job-store.ts'
import { newJob } from './job-store-case.ts'

/** Jobs by their ids, each with those that it runs after. */
export function jobsOf(
  after: Readonly<Record<string, readonly string[]>>,
  on: 'done' | 'end' = 'done',
): NewJob[] {
  return Object.entries(after).map(([id, ids]) =>
    newJob({ id, after: ids.length === 0 ? undefined : { ids, on } }),
  )
}
