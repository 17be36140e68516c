import type { State } from '../../views/read-model.ts'
import type { ListedJob } from './shown-job.ts'

interface QueueDetail {
  readonly running?: readonly { readonly id: string }[]
}

/** The jobs that run in the process whose tree is shown, or the 100 oldest of them, by their ids. */
export function runningJobs(state: State | undefined): ReadonlySet<string> {
  const ids = new Set<string>()
  for (const { kind, detail } of Object.values(state?.workers ?? {})) {
    const { running = [] } = kind === 'queue' ? queueDetail(detail) : {}
    for (const { id } of running) ids.add(id)
  }
  return ids
}

function queueDetail(detail: unknown): QueueDetail {
  return typeof detail === 'object' && detail !== null ? detail : {}
}

/** A job's status is PENDING until it ends: what more is known of it. @param found the status that was asked for */
export function shownStatus(
  { id, status, waitsFor }: ListedJob,
  running: ReadonlySet<string>,
  found?: string,
): string {
  if (status !== 'PENDING') return status
  if (found !== undefined && ['WAITING', 'BLOCKED', 'RUNNING'].includes(found)) return found
  if (running.has(id)) return 'RUNNING'
  return waitsFor !== undefined && waitsFor.length > 0 ? 'BLOCKED' : status
}
