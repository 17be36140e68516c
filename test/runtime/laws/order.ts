import { type Body, type GroupRun, type Law, type Member, type Trace, isByGroup, stopOf } from './trace.ts'

/**
 * Law 4: when a worker starts, all its dependencies are ready or done. When it is aborted because its group stops, each of
 * its dependents has ended or used up its time.
 */
export const keepsOrder: Law = (trace) =>
  trace.bodies.flatMap((body) => [...startsTooEarly(body), ...isStoppedTooEarly(body, trace)])

function startsTooEarly({ spec, startedAt, befores, group }: Body): string[] {
  return befores
    .filter((before) => !isUp(before, group))
    .map(({ path, state }) => `${spec.path} starts at ${startedAt}, before ${path}, which is ${state}`)
}

function isUp({ path, state, isUp: saidSo }: Body['befores'][number], { members }: GroupRun): boolean {
  // It was removed, so that no worker depends on it any more.
  if (state === undefined) return true
  const { kind } = members.findLast(({ spec }) => spec.path === path)!.spec.entry
  if (kind === 'worker') return saidSo
  return state === 'ready' || state === 'paused' || state === 'done' || state === 'failed'
}

function isStoppedTooEarly(body: Body, trace: Trace): string[] {
  const { spec, group, abort, abortedAt } = body
  if (abort === undefined || !isByGroup(body, trace)) return []
  const stop = stopOf(group, trace)
  if (stop === undefined) return []
  return group.bodies
    .filter((other) => other.spec.after.includes(spec.path) && isAliveAt(other, abort))
    .filter((other) => !isOverdue(other, abort, abortedAt!, trace))
    .map((other) => `${spec.path} is aborted at ${abortedAt}, when ${other.spec.path} still runs, in time`)
}

function isAliveAt({ start, end = Infinity }: Body, moment: number): boolean {
  return start < moment && end > moment
}

/** Whether it was aborted and has used its time: its `stopTimeout`, or the share of its level. */
function isOverdue(body: Body, moment: number, now: number, trace: Trace): boolean {
  const { abort, abortedAt, spec, group } = body
  if (abort === undefined || abort > moment) return false
  if (isAbandoned(spec.path, moment, trace)) return true
  const { stopTimeoutMs = Infinity } = spec.entry
  const from = Math.max(abortedAt!, stopOf(group, trace)!.at)
  const shareMs = (endOf(group, trace) - from) / (levelsOf(group, trace) - levelOf(spec.path, group, trace))
  return now + ROUNDING_MS >= Math.min(abortedAt! + stopTimeoutMs, from + shareMs)
}

const ROUNDING_MS = 0.001

function isAbandoned(path: string, before: number, { events }: Trace): boolean {
  return events.some(
    ({ event, moment }) => event.path === path && event.type === 'abandoned' && moment < before,
  )
}

/** The deadline of a group that stops: for a supervisor that of its own share, or its `stopTimeout`. */
function endOf(group: GroupRun, trace: Trace): number {
  const { graceMs } = trace
  const { body } = group
  const stop = stopOf(group, trace)!
  if (body === undefined) return stop.at + (graceMs ?? Infinity)
  const { abort = Infinity, abortedAt = Infinity, spec, group: outer } = body
  const { stopTimeoutMs } = spec.entry
  const aloneMs = graceMs ?? LONGEST_STOP_MS
  const gaveUpEnd = abort > stop.moment ? stop.at + aloneMs : Infinity
  const aloneEnd = isByGroup(body, trace) ? Infinity : abortedAt + (stopTimeoutMs ?? aloneMs)
  const ownEnd = Math.min(gaveUpEnd, aloneEnd)
  const outerStop = stopOf(outer, trace)
  if (abort === Infinity || outerStop === undefined) return ownEnd
  // Its group stops at that time or later.
  const from = Math.max(abortedAt, outerStop.at)
  const shareMs = (endOf(outer, trace) - from) / (levelsOf(outer, trace) - levelOf(spec.path, outer, trace))
  return Math.min(ownEnd, from + Math.min(stopTimeoutMs ?? Infinity, shareMs))
}

const LONGEST_STOP_MS = 30_000

function levelsOf(group: GroupRun, trace: Trace): number {
  return 1 + Math.max(0, ...membersOf(group, trace).map(({ spec }) => levelOf(spec.path, group, trace)))
}

/** 0 for workers without dependents, else 1 more than the highest level among these. */
function levelOf(path: string, group: GroupRun, trace: Trace): number {
  const after = membersOf(group, trace).filter(({ spec }) => spec.after.includes(path))
  return Math.max(0, ...after.map(({ spec }) => 1 + levelOf(spec.path, group, trace)))
}

/** The workers that the group has when it stops. */
function membersOf(group: GroupRun, trace: Trace): Member[] {
  const { moment } = stopOf(group, trace)!
  return group.members.filter(({ added, removed }) => added < moment && removed > moment)
}
