import type { Runtime, RuntimeEvent } from 'runutil'
import type { VirtualClock } from 'runutil/testing'
import {
  type Body,
  type GroupRun,
  type JobRun,
  type SeenEvent,
  type Spec,
  isAccused,
  parentOf,
} from './trace.ts'

/** Records what happens in a run, numbered in order. */
export class Recorder {
  readonly bodies: Body[] = []
  readonly groups: GroupRun[] = []
  readonly jobs: JobRun[] = []
  readonly events: SeenEvent[] = []
  readonly root: GroupRun
  readonly #clock: VirtualClock
  readonly #runtime: Runtime
  readonly #toAdd = new Map<string, Spec>()
  #moment = 0

  constructor(clock: VirtualClock, runtime: Runtime) {
    this.#clock = clock
    this.#runtime = runtime
    this.root = { path: '', strategy: 'one_for_one', body: undefined, bodies: [], members: [] }
    this.groups.push(this.root)
  }

  /** The entries of the outermost group. */
  given(specs: readonly Spec[]): void {
    this.#join(this.root, specs)
  }

  #join(group: GroupRun, specs: readonly Spec[]): void {
    for (const spec of specs) group.members.push({ spec, added: this.next(), removed: Infinity })
  }

  /** Entries to be added at the corresponding event. */
  willAdd(spec: Spec): void {
    this.#toAdd.set(spec.path, spec)
  }

  heard(event: RuntimeEvent): void {
    this.events.push({ moment: this.next(), at: this.at, event, joins: false })
    const { path, type } = event
    if (type !== 'added' && type !== 'removed') return
    const group = this.groupOf(parentOf(path))
    if (type === 'added') this.#join(group, [this.#toAdd.get(path)!])
    else group.members.findLast(({ spec }) => spec.path === path)!.removed = this.next()
  }

  /** The current or last run of that group. */
  groupOf(path: string): GroupRun {
    return this.groups.findLast((group) => group.path === path)!
  }

  next(): number {
    return this.#moment++
  }

  get at(): number {
    return this.#clock.elapsed()
  }

  /** A worker of a group starts. */
  began(spec: Spec, group: GroupRun, signal: AbortSignal): Body {
    const body: Body = {
      spec,
      group,
      start: this.next(),
      startedAt: this.at,
      signal,
      befores: spec.after.map((path) => this.#before(path, group)),
      mustSay: mustSay(spec, group),
      isGroup: undefined,
      ready: undefined,
      abort: undefined,
      abortedAt: undefined,
      aborts: 0,
      end: undefined,
      endedAt: undefined,
      thrown: undefined,
    }
    group.bodies.push(body)
    this.bodies.push(body)
    signal.addEventListener('abort', () => this.#aborted(body), { once: true })
    if (signal.aborted) this.#aborted(body)
    return body
  }

  #before(path: string, group: GroupRun): Body['befores'][number] {
    const last = group.bodies.findLast(({ spec }) => spec.path === path)
    // A group learns of the end of a worker a microtask later.
    const isOn = last !== undefined && last.abort === undefined && (last.endedAt ?? this.at) === this.at
    const isReady = isOn && (last.ready !== undefined || !last.mustSay)
    return { path, state: this.#runtime.get(path)?.state, isUp: isReady || isDone(last) }
  }

  #aborted(body: Body): void {
    body.aborts++
    body.abort ??= this.next()
    body.abortedAt ??= this.at
  }

  ended(body: Body, thrown: { error: unknown } | undefined): void {
    body.end = this.next()
    body.endedAt = this.at
    body.thrown = thrown
  }

  /** A supervisor starts to run its workers. */
  group(body: Body, specs: readonly Spec[]): GroupRun {
    const { entry, path } = body.spec
    const strategy = entry.kind === 'supervisor' ? entry.strategy : 'one_for_one'
    const group: GroupRun = { path, strategy, body, bodies: [], members: [] }
    this.#join(group, specs)
    body.isGroup = group
    this.groups.push(group)
    return group
  }
}

/** It ended on its own and for good, or it is temporary and was hung or late. */
function isDone(body: Body | undefined): boolean {
  if (body?.end === undefined) return false
  const { restart } = body.spec.entry
  if (restart === 'temporary') return body.abort === undefined || isAccused(body.signal.reason)
  return body.abort === undefined && restart === 'transient' && body.thrown === undefined
}

/** Whether it is ready only when it reports that. */
function mustSay({ path, entry }: Spec, { members }: GroupRun): boolean {
  return entry.startTimeoutMs !== undefined || members.some(({ spec }) => spec.after.includes(path))
}
