import type { RuntimeEvent } from 'runutil'
import type { Entry, Strategy } from './program.ts'

/** An entry of a list, with its position. */
export interface Spec {
  readonly path: string
  readonly entry: Entry
  /** The paths of its dependencies. */
  readonly after: readonly string[]
}

/** One run of an entry, from its start to its end. Moments are indices into the trace, times are in ms. */
export interface Body {
  readonly spec: Spec
  /** The run of its group. */
  readonly group: GroupRun
  readonly start: number
  readonly startedAt: number
  readonly signal: AbortSignal
  /** The states of its dependencies when it started. */
  readonly befores: readonly { path: string; state: string | undefined; isUp: boolean }[]
  /** Whether it has dependents or a `startTimeout`, and so must report that it is ready. */
  readonly mustSay: boolean
  /** Its group, if it is a supervisor. */
  isGroup: GroupRun | undefined
  ready: number | undefined
  abort: number | undefined
  abortedAt: number | undefined
  aborts: number
  end: number | undefined
  endedAt: number | undefined
  /** Undefined while it runs, and if it returned. */
  thrown: { error: unknown } | undefined
}

/** One run of the outermost group or of a supervisor. */
export interface GroupRun {
  readonly path: string
  readonly strategy: Strategy
  /** The entry of the supervisor; undefined for the outermost group. */
  readonly body: Body | undefined
  readonly bodies: Body[]
  /** All workers that it has ever had, in order. */
  readonly members: Member[]
}

/** An entry of a group, with the moments of its addition and removal. */
export interface Member {
  readonly spec: Spec
  readonly added: number
  removed: number
}

/** A run of the job of a repeat. */
export interface JobRun {
  readonly body: Body
  readonly start: number
  readonly scheduledFor: number
  readonly missed: number
  end: number | undefined
}

/** An operation that was requested. */
export interface Call {
  readonly name: string
  readonly path: string
  readonly at: number
  readonly moment: number
  settled: 'resolved' | { error: unknown } | undefined
  /** The moment at which it settled. */
  over: number
}

export interface SeenEvent {
  readonly moment: number
  readonly at: number
  readonly event: RuntimeEvent
  /** For 'restarting': whether the log says that it joins the restart in progress. */
  joins: boolean
}

/** All that was recorded of one run of a program, in order. */
export interface Trace {
  readonly root: GroupRun
  readonly groups: readonly GroupRun[]
  readonly bodies: readonly Body[]
  readonly jobs: readonly JobRun[]
  readonly events: readonly SeenEvent[]
  readonly calls: readonly Call[]
  readonly graceMs: number | undefined
  /** The caller's abort. */
  readonly reason: unknown
  /** How the run ended; undefined if it did not. */
  readonly outcome: { at: number; error?: unknown } | undefined
  /** The differences between the fold of the events and the tree. */
  readonly foldErrors: readonly string[]
  /** What was left over after the run. */
  readonly left: readonly string[]
}

/** Returns the violations of a law in a trace. */
export type Law = (trace: Trace) => string[]

interface Moment {
  readonly moment: number
  readonly at: number
}

/** When a group was aborted, or began to end on its own. */
export function stopOf(group: GroupRun, trace: Trace): Moment | undefined {
  const { body, bodies } = group
  if (body === undefined) {
    return trace.events.find(({ event }) => event.path === '' && /^(stopping|done)$/.test(event.type))
  }
  const own = bodies.filter(({ signal }) => signal.aborted && isOfEnd(signal.reason, group)).map(abortOf)
  const stops = [abortOf(body), endOf(body), ...own, ...fatalIn(group, trace)]
  const first = stops.reduce((a, b) => (b.moment < a.moment ? b : a))
  return first.moment === Infinity ? undefined : first
}

function abortOf({ abort = Infinity, abortedAt = Infinity }: Body): Moment {
  return { moment: abort, at: abortedAt }
}

function endOf({ end = Infinity, endedAt = Infinity }: Body): Moment {
  return { moment: end, at: endedAt }
}

/** The failures that it ended with, including that a worker did not end in time. */
function fatalIn(group: GroupRun, trace: Trace): Moment[] {
  const causes = causesOf(group.body?.thrown?.error)
  const heard = trace.events.filter(({ event, moment }) => {
    if (event.path === '' || groupAt(parentOf(event.path), moment, trace) !== group) return false
    return event.type === 'abandoned' || (event.type === 'failed' && causes.includes(event.error))
  })
  // There is no event for an exit that is not restarted.
  const unheard = group.bodies.filter(({ thrown, spec }) => {
    const isHeard = heard.some(({ event }) => event.type === 'failed' && event.path === spec.path)
    return thrown !== undefined && causes.includes(thrown.error) && !isHeard
  })
  return [...heard, ...unheard.map(endOf)]
}

/** Whether that reason is the one that the group ended with, or its cause. */
function isOfEnd(reason: unknown, { body }: GroupRun): boolean {
  return isSiblingExit(reason) && causesOf(body?.thrown?.error).includes(reason.cause)
}

/** An error with all its causes and collected errors. */
export function causesOf(error: unknown): unknown[] {
  if (!(error instanceof Error)) return []
  const collected = error instanceof AggregateError ? error.errors.flatMap(causesOf) : []
  return [error, ...collected, ...causesOf(error.cause)]
}

/** Whether it was aborted because its group stops. */
export function isByGroup({ group, signal }: Body, trace: Trace): boolean {
  const { reason } = signal as { reason: unknown }
  if (group.body !== undefined) return reason === group.body.signal.reason || isOfEnd(reason, group)
  if (reason === trace.reason) return true
  const { error } = trace.outcome ?? {}
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : undefined
  return isSiblingExit(reason) && reason.cause === first
}

export function isSiblingExit(reason: unknown): reason is Error & { worker: string } {
  return reason instanceof Error && 'code' in reason && reason.code === 'ERR_SIBLING_EXITED'
}

/** Whether its signal aborted because it was late or hung. */
export function isAccused(reason: unknown): boolean {
  const code: unknown = reason instanceof Error && 'code' in reason ? reason.code : undefined
  return code === 'ERR_START_TIMEOUT' || code === 'ERR_WORKER_HUNG'
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** The run of that group at that moment. */
export function groupAt(path: string, moment: number, { groups }: Trace): GroupRun | undefined {
  return groups.findLast((group) => group.path === path && (group.body?.start ?? -1) < moment)
}
