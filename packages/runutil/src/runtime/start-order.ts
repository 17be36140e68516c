import { InvalidArgumentError } from '../core/errors.ts'
import { shortened } from '../core/describe.ts'
import { nearest } from '../core/options.ts'

/** An edge of the start order: `after` start when all of `before` are ready, and stop before them. */
export class Gate<T> {
  readonly before: T[]
  readonly after: T[] = []
  /** How many of `before` are not ready. */
  missing: number
  /** During a stop: how many of `after` are still running. */
  alive = 0

  /** Whether it comes from the `after` of a class or supervisor, not of an entry. */
  readonly isOfGroup: boolean

  constructor(before: readonly T[], isOfGroup = false) {
    this.before = [...before]
    this.missing = before.length
    this.isOfGroup = isOfGroup
  }
}

/** The place of one item in the order. */
export interface Place<T> {
  /** The gates that it starts after. */
  readonly waitsFor: Gate<T>[]
  /** The gates that others start after it through. */
  readonly opens: Gate<T>[]
  /** In a stop, level 0 stops first: items that none starts after. Otherwise one above the highest item that starts after it. */
  level: number
}

interface Ordered {
  readonly label: string
  readonly after: readonly string[]
}

/** The order in which the entries of a list start and stop. Most lists have none. */
export class StartOrder<T> {
  readonly #places = new Map<T, Place<T>>()

  get isEmpty(): boolean {
    return this.#places.size === 0
  }

  /** Undefined for an item without order. */
  of(item: T): Place<T> | undefined {
    return this.#places.get(item)
  }

  add(gate: Gate<T>): void {
    for (const item of gate.before) this.#placeOf(item).opens.push(gate)
    for (const item of gate.after) this.#placeOf(item).waitsFor.push(gate)
  }

  /** Nobody waits for it any more. @param isUp whether it is ready */
  remove(item: T, isUp: boolean): void {
    const { waitsFor = [], opens = [] } = this.of(item) ?? {}
    for (const { after } of waitsFor) after.splice(after.indexOf(item), 1)
    for (const gate of opens) {
      gate.before.splice(gate.before.indexOf(item), 1)
      if (!isUp) gate.missing--
    }
    if (this.#places.delete(item)) this.setLevels()
  }

  /** @returns the items of a cycle, in order; empty if there is none */
  setLevels(): T[] {
    for (const place of this.#places.values()) place.level = 0
    const open = new Map(Array.from(this.#places, ([item, { opens }]) => [item, countAfter(opens)]))
    const next = [...open].filter(([, count]) => count === 0).map(([item]) => item)
    for (const item of next) {
      open.delete(item)
      const { level, waitsFor } = this.#places.get(item)!
      for (const before of waitsFor.flatMap((gate) => gate.before)) {
        const place = this.#places.get(before)!
        place.level = Math.max(place.level, level + 1)
        const left = open.get(before)! - 1
        open.set(before, left)
        if (left === 0) next.push(before)
      }
    }
    return open.size === 0 ? [] : this.#circleIn(open)
  }

  #circleIn(open: ReadonlyMap<T, number>): T[] {
    const path: T[] = []
    let at = [...open.keys()][0]!
    while (!path.includes(at)) {
      path.push(at)
      // Each remaining item opens a gate for another remaining item.
      at = this.#places
        .get(at)!
        .opens.flatMap((gate) => gate.after)
        .find((item) => open.has(item))!
    }
    return [...path.slice(path.indexOf(at)), at].reverse()
  }

  #placeOf(item: T): Place<T> {
    let place = this.#places.get(item)
    if (place === undefined) this.#places.set(item, (place = { waitsFor: [], opens: [], level: 0 }))
    return place
  }
}

function countAfter<T>(gates: readonly Gate<T>[]): number {
  return gates.reduce((sum, gate) => sum + gate.after.length, 0)
}

/**
 * The order that the `after` fields of a list define.
 *
 * @throws InvalidArgumentError for a name that is not in the list, and for a cycle
 */
export function orderOf<T>(
  items: readonly T[],
  ordered: (item: T) => Ordered,
  what: string,
  order: StartOrder<T> = new StartOrder(),
): StartOrder<T> {
  if (!items.some((item) => ordered(item).after.length > 0)) return order
  const byLabel = new Map(items.map((item) => [ordered(item).label, item]))
  const gates = new Map<string, Gate<T>>()
  for (const item of items) {
    const { label, after } = ordered(item)
    for (const name of new Set(after)) {
      const before = byLabel.get(name)
      if (before === undefined) throw unknownName(what, label, name, [...byLabel.keys()])
      const gate = gates.get(name) ?? new Gate([before])
      gates.set(name, gate)
      gate.after.push(item)
    }
  }
  for (const gate of gates.values()) order.add(gate)
  checkCircle(order, (item) => ordered(item).label, what)
  return order
}

/** @throws InvalidArgumentError that prints the cycle */
export function checkCircle<T>(order: StartOrder<T>, labelOf: (item: T) => string, what: string): void {
  const circle = order.setLevels()
  if (circle.length === 0) return
  const path = circle.map((item) => shortened(labelOf(item))).join(' after ')
  throw new InvalidArgumentError(`${what}: expected an order; got a circle: ${path}`)
}

/** @param known the names of its group, its own too */
export function unknownName(
  what: string,
  label: string,
  name: string,
  known: readonly string[],
): InvalidArgumentError {
  const others = known.filter((one) => one !== label)
  const near = nearest(name, others)
  const some = others.length === 0 ? 'it has none' : `there are ${others.slice(0, 10).join(', ')}`
  const hint = near === undefined ? some : `did you mean '${near}'?`
  return new InvalidArgumentError(
    `${what}: after of '${shortened(label)}': expected the name of a sibling; got '${shortened(name)}'; ${hint}`,
  )
}
