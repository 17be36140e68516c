import type { RuntimeEvent } from 'runutil'
import type { Entry, Strategy } from './program.ts'

/** An entry of a list as it was given, with its place in it. */
export interface Spec {
  readonly path: string
  readonly entry: Entry
  /** The paths of those that it comes after. */
  readonly after: readonly string[]
}

/** One run of an entry, from its start to its end. Moments are numbers of the trace's entries, times are ms. */
export interface Body {
  readonly spec: Spec
  /** The run of the group that it is a worker of. */
  readonly group: GroupRun
  readonly start: number
  readonly startedAt: number
  readonly signal: AbortSignal
  /** Of those that it comes after: what was known of each when it started. */
  readonly befores: readonly { path: string; state: string | undefined; isUp: boolean }[]
  /** Another comes after it, or it has a `startTimeout`: it is ready only when it says so. */
  readonly mustSay: boolean
  /** The group that it is, if it is one. */
  isGroup: GroupRun | undefined
  ready: number | undefined
  abort: number | undefined
  abortedAt: number | undefined
  aborts: number
  end: number | undefined
  endedAt: number | undefined
  /** Undefined while it runs, and of one that returned. */
  thrown: { error: unknown } | undefined
}

/** One run of a group: of all, or of a supervisor. */
export interface GroupRun {
  readonly path: string
  readonly strategy: Strategy
  /** That it is itself; undefined of the outermost. */
  readonly body: Body | undefined
  readonly bodies: Body[]
  /** All that it ever had, in order. */
  readonly members: Member[]
}

/** An entry of a group, with the moments between which it was one. */
export interface Member {
  readonly spec: Spec
  readonly added: number
  removed: number
}

/** A run of a repeat's job. */
export interface JobRun {
  readonly body: Body
  readonly start: number
  readonly scheduledFor: number
  readonly missed: number
  end: number | undefined
}

/** What an operator asked for. */
export interface Call {
  readonly name: string
  readonly path: string
  readonly at: number
  readonly moment: number
  settled: 'resolved' | { error: unknown } | undefined
  /** The moment of that. */
  over: number
}

export interface SeenEvent {
  readonly moment: number
  readonly at: number
  readonly event: RuntimeEvent
  /** Of 'restarting': it is logged that it joins the restart under way. */
  joins: boolean
}

/** All that was seen of one run of a program, in order. */
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
  /** How the run ended; undefined: it didn't. */
  readonly outcome: { at: number; error?: unknown } | undefined
  /** Where the fold of the events differed from the tree. */
  readonly foldErrors: readonly string[]
  /** What was there afterwards that should not be. */
  readonly left: readonly string[]
}

/** What a law finds wrong in a trace. */
export type Law = (trace: Trace) => string[]

interface Moment {
  readonly moment: number
  readonly at: number
}

/** When a group was told to stop, or began to end by itself. */
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

/** The failures that it ended with, and that it gave up waiting for one. */
function fatalIn(group: GroupRun, trace: Trace): Moment[] {
  const causes = causesOf(group.body?.thrown?.error)
  const heard = trace.events.filter(({ event, moment }) => {
    if (event.path === '' || groupAt(parentOf(event.path), moment, trace) !== group) return false
    return event.type === 'abandoned' || (event.type === 'failed' && causes.includes(event.error))
  })
  // Of what nobody restarts no event tells.
  const unheard = group.bodies.filter(({ thrown, spec }) => {
    const isHeard = heard.some(({ event }) => event.type === 'failed' && event.path === spec.path)
    return thrown !== undefined && causes.includes(thrown.error) && !isHeard
  })
  return [...heard, ...unheard.map(endOf)]
}

/** Whether that reason is what the group ended with, or what led to that. */
function isOfEnd(reason: unknown, { body }: GroupRun): boolean {
  return isSiblingExit(reason) && causesOf(body?.thrown?.error).includes(reason.cause)
}

/** An error with all that it was caused by and collects. */
export function causesOf(error: unknown): unknown[] {
  if (!(error instanceof Error)) return []
  const collected = error instanceof AggregateError ? error.errors.flatMap(causesOf) : []
  return [error, ...collected, ...causesOf(error.cause)]
}

/** Whether it was aborted since its group stops. */
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

/** Its signal aborted since it had failed: it was late, or hung. */
export function isAccused(reason: unknown): boolean {
  const code: unknown = reason instanceof Error && 'code' in reason ? reason.code : undefined
  return code === 'ERR_START_TIMEOUT' || code === 'ERR_WORKER_HUNG'
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** The run of that group that was on at that moment. */
export function groupAt(path: string, moment: number, { groups }: Trace): GroupRun | undefined {
  return groups.findLast((group) => group.path === path && (group.body?.start ?? -1) < moment)
}
