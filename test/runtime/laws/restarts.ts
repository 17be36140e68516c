import { ErrWorkerExitedPrematurely } from 'runutil'
import { type Body, type GroupRun, type Law, type Member, type SeenEvent, type Trace } from './trace.ts'
import { causesOf, groupAt, isAccused, isByGroup, isSiblingExit, parentOf, stopOf } from './trace.ts'

/** Law 6: a restart with `rest_for_one` affects the failed worker and all after it, with `one_for_all` all, and no others. */
export const touchesItsOwn: Law = (trace) => trace.groups.flatMap((group) => judge(group, trace))

function judge(group: GroupRun, trace: Trace): string[] {
  // While it has not ended, the reason of its stop is unknown.
  if (group.body !== undefined && group.body.end === undefined) return []
  const restarts = trace.events.filter(
    ({ event, moment }) =>
      event.type === 'restarting' &&
      parentOf(event.path) === group.path &&
      groupAt(group.path, moment, trace) === group,
  )
  return [
    ...restarts.flatMap((restart) => namesOthers(restart, group)),
    ...restarts.flatMap((restart) => leavesOut(restart, group, trace)),
    ...group.bodies.flatMap((body) => isTouched(body, restarts, trace)),
  ]
}

/** The workers that are restarted together with it. */
function othersOf(path: string, { strategy, members }: GroupRun, moment: number): Member[] {
  const there = members.filter(({ added, removed }) => added < moment && removed > moment)
  const at = there.findIndex(({ spec }) => spec.path === path)
  if (strategy === 'one_for_one') return []
  return there.filter((_, other) => other !== at && (strategy === 'one_for_all' || other > at))
}

function namesOthers({ event, moment, at }: SeenEvent, group: GroupRun): string[] {
  if (event.type !== 'restarting') return []
  const expected = othersOf(event.path, group, moment).map(({ spec }) => spec.path)
  const names = event.with.join(', ')
  return names === expected.join(', ')
    ? []
    : [`${at}: restarting ${event.path} with ${names}, not ${expected.join(', ')}`]
}

/** Each running worker of the set stops, and starts again unless it is temporary or an operator stopped it. */
function leavesOut(restart: SeenEvent, group: GroupRun, trace: Trace): string[] {
  const { event, moment, at } = restart
  const others = othersOf(event.path, group, moment).map(({ spec }) => spec.path)
  const along = group.bodies.filter(
    ({ spec, start, end = Infinity }) => others.includes(spec.path) && start < moment && end > moment,
  )
  const after = [...group.bodies.filter(({ start }) => start > moment)]
  const first = after.find(({ spec }) => spec.path === event.path)
  if (first === undefined || wasAsked(event.path, moment, first.start, trace)) return []
  return along
    .filter(({ end = Infinity }) => end > first.start)
    .map(({ spec }) => `${at}: restarting ${event.path} leaves ${spec.path} running`)
}

/** Operations on it that were requested in that time, or earlier and were still in progress. */
function wasAsked(path: string, from: number, to: number, { calls }: Trace): boolean {
  return calls.some((call) => call.path === path && call.moment < to && call.over > from)
}

/** Each start, and each abort that is not that of its group, has a reason. */
function isTouched(body: Body, restarts: readonly SeenEvent[], trace: Trace): string[] {
  const { spec, group, start, startedAt, abort, abortedAt, signal } = body
  const isIn = (of: string) => (restart: SeenEvent) =>
    restart.event.path === of ||
    othersOf(restart.event.path, group, restart.moment).some((other) => other.spec.path === of)
  const wrong: string[] = []
  const reason: unknown = signal.reason
  if (abort !== undefined && isSiblingExit(reason) && !isByGroup(body, trace)) {
    const asked = restarts.some(
      (restart) => restart.moment < abort && restart.moment > start && isIn(spec.path)(restart),
    )
    if (!asked) wrong.push(`${spec.path} is stopped at ${abortedAt} along with ${reason.worker}`)
  }
  const before = group.bodies.filter((other) => other.spec.path === spec.path && other.start < start).at(-1)
  if (before === undefined) return wrong
  const isRestart = restarts.some(
    (restart) => restart.moment < start && restart.moment > before.start && isIn(spec.path)(restart),
  )
  const isAsked = trace.calls.some(
    ({ path, name, moment, over }) =>
      path === spec.path && /start/.test(name) && moment < start && over > before.start,
  )
  if (!isRestart && !isAsked) wrong.push(`${spec.path} starts again at ${startedAt}, which nothing asked for`)
  return wrong
}

/** Law 7: each failure leads to a restart, joins one, or is part of the final error, whose first is the root cause. */
export const answersFailures: Law = (trace) => trace.bodies.flatMap((body) => isAnswered(body, trace))

function isAnswered(body: Body, trace: Trace): string[] {
  const { spec, group, end, endedAt } = body
  if (end === undefined || !hasFailed(body)) return []
  const stop = stopOf(group, trace)
  // Both happened at the same time, so that their order depends on microtasks.
  if (stop !== undefined && stop.at <= endedAt! && !isAbout(finalOf(group, trace), body)) return []
  const next = trace.events.find(
    ({ event, moment }) => event.path === spec.path && moment > end && event.type !== 'failed',
  )
  if (next?.event.type === 'restarting') return isLate(next, group, trace)
  // It was hung or late, and then an operator stopped it, which takes precedence.
  if (next?.event.type === 'stopped' && wasAsked(spec.path, body.start, end, trace)) return []
  const final = finalOf(group, trace)
  return isAbout(final, body)
    ? []
    : [`${spec.path} fails at ${endedAt}, and then is ${next?.event.type}: ${String(final)}`]
}

/** Whether it failed before its abort, or was aborted because of its failure. */
function hasFailed({ spec, abort, thrown, signal }: Body): boolean {
  const { restart } = spec.entry
  if (restart === 'temporary') return false
  if (abort !== undefined) return isAccused(signal.reason)
  return restart === 'permanent' || thrown !== undefined
}

/** A scheduled restart happens when its delay is over, unless something else has replaced it. */
function isLate({ event, at, moment }: SeenEvent, group: GroupRun, trace: Trace): string[] {
  if (event.type !== 'restarting' || group.strategy !== 'one_for_one') return []
  const next = trace.events.find((seen) => seen.event.path === event.path && seen.moment > moment)
  const due = at + event.delayMs
  if (next?.at === due && /starting|waiting/.test(next.event.type)) return []
  const isAsked = wasAsked(event.path, moment, next?.moment ?? Infinity, trace)
  const stop = stopOf(group, trace)
  const isStopped = stop !== undefined && stop.at <= due
  return isAsked || isStopped
    ? []
    : [`${event.path} should start again at ${due}; then: ${next?.event.type} at ${next?.at}`]
}

function finalOf({ body }: GroupRun, { outcome }: Trace): unknown {
  if (body !== undefined) return body.thrown?.error
  const { error } = outcome ?? {}
  return error instanceof AggregateError ? error.errors[0] : error
}

function isAbout(final: unknown, { thrown, signal, spec }: Body): boolean {
  const own: unknown[] = isAccused(signal.reason) ? [signal.reason, thrown?.error] : [thrown?.error]
  const isOwnExit = (error: unknown): boolean =>
    thrown === undefined && error instanceof ErrWorkerExitedPrematurely && error.worker === spec.path
  return causesOf(final).some((error) => own.includes(error) || isOwnExit(error))
}
