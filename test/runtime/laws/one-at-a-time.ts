import type { Law } from './trace.ts'

/** Law 3: neither a worker nor the job of a repeat ever runs twice at the same time. */
export const runsOneAtATime: Law = ({ bodies, jobs }) => {
  const spans = [
    ...bodies.map(({ spec, start, end, startedAt }) => ({
      path: spec.path,
      start,
      end,
      what: `at ${startedAt}`,
    })),
    ...jobs.map(({ body, start, end, scheduledFor }) => ({
      path: `a job of ${body.spec.path}`,
      start,
      end,
      what: `for ${scheduledFor}`,
    })),
  ]
  const last = new Map<string, (typeof spans)[number]>()
  const wrong: string[] = []
  for (const span of spans) {
    const before = last.get(span.path)
    if (before !== undefined && (before.end === undefined || before.end > span.start)) {
      wrong.push(`${span.path} starts (${span.what}) while the run before (${before.what}) is on`)
    }
    last.set(span.path, span)
  }
  return wrong
}
