import { type Law, stopOf } from './trace.ts'

/**
 * Law 5: the signal of each started worker aborts once and before grace ends. The run settles within grace and 1 s. No body
 * starts after the abort.
 */
export const shutsDownInTime: Law = (trace) => {
  const { bodies, jobs, groups, root, outcome, graceMs = Infinity } = trace
  const wrong: string[] = []
  const stop = stopOf(root, trace)
  if (outcome === undefined) wrong.push('the run has not settled')
  if (stop !== undefined && outcome !== undefined && outcome.at > stop.at + graceMs + 1_000) {
    wrong.push(`the run stops at ${stop.at} and settles at ${outcome.at}`)
  }
  for (const { spec, start, startedAt, end = Infinity, endedAt = Infinity, aborts, abortedAt } of bodies) {
    if (aborts > 1) wrong.push(`${spec.path}, started at ${startedAt}, is aborted ${aborts} times`)
    if (stop === undefined || end < stop.moment || start > stop.moment) continue
    const isSeen = abortedAt !== undefined && (abortedAt < stop.at + graceMs || graceMs === Infinity)
    // It may have ended on its own before its level was stopped.
    if (!isSeen && endedAt >= stop.at + graceMs)
      wrong.push(`${spec.path} is aborted at ${abortedAt}, the run at ${stop.at}`)
  }
  for (const group of groups) {
    const ofGroup = stopOf(group, trace)
    if (ofGroup === undefined) continue
    const late = group.bodies.find(({ start }) => start > ofGroup.moment)
    if (late !== undefined) wrong.push(`${late.spec.path} starts at ${late.startedAt}, after ${ofGroup.at}`)
  }
  const lateJob = jobs.find(({ body, start }) => body.abort !== undefined && start > body.abort)
  if (lateJob !== undefined) wrong.push(`a job of ${lateJob.body.spec.path} starts after its abort`)
  return wrong
}
