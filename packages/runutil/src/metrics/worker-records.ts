import type { WorkerRecord } from '../core/worker-record.ts'

/** Everything beneath a record, in the order of the tree. */
export function recordsBeneath(record: WorkerRecord): WorkerRecord[] {
  return (record.children ?? []).flatMap((child) => [child, ...recordsBeneath(child)])
}

/** What the module of a worker tells of it. */
export function detailOf({ describe }: WorkerRecord): Readonly<Record<string, unknown>> {
  try {
    return (describe?.() ?? {}) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}

/** The kinds of jobs that these workers run. */
export function kindsRunBy(workers: readonly WorkerRecord[]): Set<string> {
  const queues = workers.filter(({ kind }) => kind === 'queue')
  return new Set(queues.flatMap((record) => (detailOf(record)['kinds'] ?? []) as readonly string[]))
}
