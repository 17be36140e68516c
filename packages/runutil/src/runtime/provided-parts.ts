import type { Backoff } from '../core/backoff.ts'
import type { WorkerEntry } from '../core/worker-registry.ts'
import { plainSpec } from './child-spec.ts'
import type { GroupPart } from './group-run.ts'
import { orderOf } from './start-order.ts'
import { type SuperviseOptions, superviseParts, toSuperviseRules } from './supervise.ts'

/**
 * The classes of a run as parts of its group: a class with `supervise` is one worker of it.
 *
 * @param configure constructs the class and calls its workers()
 * @throws InvalidArgumentError for a class in `after` that is not in the run, and for a cycle
 */
export function partsOf(
  workers: ReadonlyMap<Function, WorkerEntry>,
  configure: (type: Function, name: string, backoff: Backoff | undefined) => GroupPart,
): GroupPart[] {
  checkOrder(workers)
  const parts = new Map<Function, GroupPart>()
  const part = (type: Function): GroupPart => {
    const known = parts.get(type)
    if (known !== undefined) return known
    const { name, supervise, after = [] } = workers.get(type)!
    const made = { ...partOfClass(type, name, supervise, configure), after: after.map(part) }
    parts.set(type, made)
    return made
  }
  return [...workers.keys()].map(part)
}

function partOfClass(
  type: Function,
  name: string,
  supervise: SuperviseOptions | undefined,
  configure: (type: Function, name: string, backoff: Backoff | undefined) => GroupPart,
): GroupPart {
  if (supervise === undefined) return configure(type, name, undefined)
  const what = `worker ${name}`
  const rules = toSuperviseRules(supervise, `${what}: supervise`)
  // The name comes from its entry, not from a part of the run's list.
  const own = { ...configure(type, name, rules.backoff), name: undefined }
  const spec = plainSpec(superviseParts([own], rules, what, 'class'))
  return { what, specs: [{ ...spec, label: name, segment: `/${name}` }] }
}

function checkOrder(workers: ReadonlyMap<Function, WorkerEntry>): void {
  const nameOf = (type: Function): string => workers.get(type)?.name ?? type.name
  const ordered = (type: Function): { label: string; after: string[] } => ({
    label: nameOf(type),
    after: (workers.get(type)!.after ?? []).map(nameOf),
  })
  orderOf([...workers.keys()], ordered, 'runProvidedWorkers')
}
