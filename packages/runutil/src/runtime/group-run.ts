import type { Backoff } from '../core/backoff.ts'
import { shortened } from '../core/describe.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { StateTally } from '../core/state-tally.ts'
import type { Runnable } from '../core/worker.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { ChildSpec } from './child-spec.ts'
import { Child, type ChildHost } from './child.ts'
import { toChildSpec } from './child-spec.ts'
import { checkNames } from './list-of.ts'
import { Gate, StartOrder, orderOf, unknownName } from './start-order.ts'
import { recordBeneath } from './tree-records.ts'

/** A list of workers of a group: the group's own, or that of a class. */
export interface GroupPart {
  /** What error messages begin with. */
  readonly what: string
  readonly specs: readonly ChildSpec[]
  /** The name of the class; undefined for the group's own list. */
  readonly name?: string | undefined
  /** The parts that it starts after. */
  readonly after?: readonly GroupPart[] | undefined
}

export interface GroupChildren {
  readonly children: Child[]
  readonly order: StartOrder<Child>
}

export interface ChildrenOptions {
  /** For workers without a `retry` of their own. */
  readonly backoff?: Backoff
  /** Whether another worker starts after the group. */
  readonly isAwaited?: boolean
  /** Whether the group runs repeatedly and reuses the records of its workers. */
  readonly isKept?: boolean
}

/** Creates the children of a group for one of its runs. */
export function childrenOf(
  host: ChildHost,
  parts: readonly GroupPart[],
  record: WorkerRecord,
  prefix: string,
  { backoff, isAwaited = false, isKept = false }: ChildrenOptions = {},
): GroupChildren {
  const made = new Map<GroupPart, Child[]>()
  const order = new StartOrder<Child>()
  for (const part of parts) {
    const { name, specs } = part
    const parent = name === undefined ? record : classRecord(record, `${prefix}/${name}`, isKept)
    const beneath = name === undefined ? prefix : `${prefix}/${name}`
    const children = specs.map((spec) => {
      const child = recordBeneath(parent, `${beneath}/${spec.label}`, isKept)
      describe(child, spec)
      return new Child(host, { spec, record: child, prefix: beneath, backoff: backoffOf(spec, backoff) })
    })
    parent.places = Math.max(parent.places, specs.length)
    made.set(part, children)
    orderOf(children, ({ spec }) => spec, part.what, order)
  }
  addPartOrder(parts, made, order)
  const children = [...made.values()].flat()
  if (!order.isEmpty) order.setLevels()
  for (const child of children) place(child, order, isAwaited)
  return { children, order }
}

function backoffOf({ retry, restart }: ChildSpec, backoff: Backoff | undefined): Backoff | undefined {
  return retry ?? (restart === 'temporary' ? undefined : backoff)
}

function classRecord(parent: WorkerRecord, path: string, isKept: boolean): WorkerRecord {
  const record = recordBeneath(parent, path, isKept)
  record.kind = 'class'
  record.tally ??= new StateTally(record)
  return record
}

function describe(record: WorkerRecord, { kind, isNamed, isDeclared, restart }: ChildSpec): void {
  record.kind = kind
  record.isOptional = restart === 'temporary'
  record.isNamed = isNamed
  record.makesRuns = kind === 'repeat' || kind === 'cron'
  if (isDeclared) record.isListed = true
}

function addPartOrder(
  parts: readonly GroupPart[],
  made: Map<GroupPart, Child[]>,
  order: StartOrder<Child>,
): void {
  for (const part of parts) {
    for (const before of part.after ?? []) {
      const gate = new Gate<Child>(made.get(before)!.filter(isOrdered), true)
      gate.after.push(...made.get(part)!.filter(isOrdered))
      order.add(gate)
    }
  }
}

/** One that comes before all others needs no other order. */
function isOrdered({ spec }: Child): boolean {
  return spec.first !== 'itself'
}

/** Sets the child's place in the order, and whether others wait for its `workerReady()`. */
function place(child: Child, order: StartOrder<Child>, isGroupAwaited: boolean): void {
  child.place = order.of(child)
  const { restart, after, first } = child.spec
  const opens = child.place?.opens ?? []
  const isOwn = opens.some(({ isOfGroup }) => !isOfGroup)
  const isByGroup = isGroupAwaited || opens.length > 0
  child.record.isAwaited =
    first === 'itself' || isOwn || (isByGroup && restart === 'permanent' && after.length === 0)
}

/** Validates a group before anything runs. @throws InvalidArgumentError */
export function checkParts(parts: readonly GroupPart[]): void {
  const order = new StartOrder<ChildSpec>()
  for (const { specs, what, after = [] } of parts) {
    checkFirst(specs, what, after.length > 0)
    orderOf(specs, (spec) => spec, what, order)
  }
}

/** @param isAfterClass whether their class comes after another @throws InvalidArgumentError */
function checkFirst(specs: readonly ChildSpec[], what: string, isAfterClass: boolean): void {
  const isFirst = (label: string): boolean =>
    specs.some((spec) => spec.label === label && spec.first !== undefined)
  for (const { label, first, after } of specs) {
    if (first === undefined) continue
    const before = after.find((name) => !isFirst(name))
    if (before === undefined && !(isAfterClass && first === 'inside')) continue
    const which = first === 'itself' ? 'it' : 'a worker that it supervises'
    throw new InvalidArgumentError(
      `${what}: expected no after for '${shortened(label)}', since ${which} starts before all others; ` +
        `got ${before === undefined ? 'a class with after' : `'${shortened(before)}'`}; ` +
        (first === 'itself' ? 'leave it out' : 'move that worker to the top of the run'),
    )
  }
}

/** Creates a child to add to a running group. @throws InvalidArgumentError, DuplicateNameError */
export function addedChild(
  host: ChildHost,
  order: StartOrder<Child>,
  siblings: readonly Child[],
  parent: WorkerRecord,
  worker: Runnable,
  backoff?: Backoff,
): Child {
  const spec = toChildSpec(worker, parent.places, 'add', backoff)
  const beside = siblings.filter(({ record }) => record.parent === parent)
  checkNames([...beside.map((child) => child.spec.label), spec.label])
  checkFirst([...beside.map((child) => child.spec), spec], 'add', false)
  const befores = spec.after.map((name) => {
    const before = beside.find((child) => child.spec.label === name)
    if (before !== undefined) return before
    throw unknownName(
      'add',
      spec.label,
      name,
      beside.map((child) => child.spec.label),
    )
  })
  parent.places++
  const record = recordBeneath(parent, `${parent.path}/${spec.label}`, false)
  describe(record, spec)
  const child = new Child(host, { spec, record, prefix: parent.path, backoff: backoffOf(spec, backoff) })
  for (const before of befores) {
    const gate = new Gate([before])
    gate.missing = before.isUp ? 0 : 1
    gate.after.push(child)
    order.add(gate)
    before.place = order.of(before)
    // The run that is on need not say that it is ready, the next one does.
    before.record.isAwaited = true
  }
  order.setLevels()
  child.place = order.of(child)
  return child
}
