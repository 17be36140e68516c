import type { ParsedQuery } from '../../queue/job-query.ts'

/** A query as JSON of the type `job_query`. */
export function queryJson(query: ParsedQuery): string {
  const { kind, status, key, idPrefix, createdAt, runAt, endedAt, error } = query
  return JSON.stringify({
    kind,
    status,
    key,
    id_prefix: idPrefix,
    created_from: momentBefore(createdAt?.from),
    created_before: momentBefore(createdAt?.before),
    run_from: momentBefore(runAt?.from),
    run_before: momentBefore(runAt?.before),
    ended_from: momentBefore(endedAt?.from),
    ended_before: momentBefore(endedAt?.before),
    error,
  })
}

/** Half a ms earlier: from then on, times with a fraction are rounded to this one. */
function momentBefore(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms - 1).toISOString().replace('Z', '500Z')
}
