import { type Intensity, childIntensityOf, intensityOf } from './program.ts'
import { type GroupRun, type Law, groupAt, parentOf } from './trace.ts'

/** The times of restarts that count towards a limit. */
class Window {
  readonly #limit: Intensity
  readonly #decided: number[] = []

  constructor(limit: Intensity) {
    this.#limit = limit
  }

  add(at: number): void {
    this.#decided.push(at)
  }

  /** The number of restarts that it allows. */
  leftAt(now: number): number {
    const { restarts, within } = this.#limit
    return restarts - this.#decided.filter((at) => at > now - within && at <= now).length
  }
}

/** Law 2: no window has more restarts than its limit allows, and the next restart gives up. */
export const limitsRestarts: Law = (trace) => {
  const wrong: string[] = []
  const ofGroup = new Map<GroupRun, Window | undefined>()
  const ofChild = new Map<GroupRun, Map<string, Window | undefined>>()
  const groupWindow = (group: GroupRun): Window | undefined => known(ofGroup, group, () => limitOf(group))
  const childWindow = (path: string, group: GroupRun): Window | undefined =>
    known(
      known(ofChild, group, () => new Map<string, Window>()),
      path,
      () => limitIn(path, group),
    )

  for (const { event, at, moment, joins } of trace.events) {
    const { path, type } = event
    const parent = path === '' ? undefined : groupAt(parentOf(path), moment, trace)
    const own = parent && childWindow(path, parent)
    if (type === 'restarting' && !joins) {
      for (const window of [own, groupWindow(parent!)]) {
        window?.add(at)
        if (window !== undefined && window.leftAt(at) < 0) wrong.push(`${at}: restarting ${path} is too many`)
      }
    } else if (type === 'gaveUp') {
      // The limit is the worker's own, or that of all workers of a supervisor.
      const group = groupAt(path, moment, trace)
      const isFull = [own, group && groupWindow(group)].some((window) => window?.leftAt(at) === 0)
      if (!isFull) wrong.push(`${at}: ${path} gave up too early`)
    }
  }
  return wrong
}

function known<K, V>(values: Map<K, V>, key: K, make: () => V): V {
  const value = values.has(key) ? (values.get(key) as V) : make()
  values.set(key, value)
  return value
}

function limitOf({ body }: GroupRun): Window | undefined {
  const entry = body?.spec.entry
  const limit = entry?.kind === 'supervisor' ? childIntensityOf(entry) : undefined
  return limit && new Window(limit)
}

function limitIn(path: string, { members, path: parent }: GroupRun): Window | undefined {
  const member = members.findLast(({ spec }) => spec.path === path)
  const limit = member && intensityOf(member.spec.entry, parent === '')
  return limit && new Window(limit)
}
