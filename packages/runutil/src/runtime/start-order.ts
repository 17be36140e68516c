import { InvalidArgumentError } from '../core/errors.ts'
import { shortened } from '../core/describe.ts'
import { nearest } from '../core/options.ts'

/** Some start after others are ready, and are stopped before they are. */
export class Gate<T> {
  readonly before: readonly T[]
  readonly after: T[] = []
  /** How many of `before` aren't ready. */
  missing: number
  /** While they stop: how many of `after` are still waited for. */
  alive = 0

  /** It is that of a class or a supervisor, not one that the entry itself names. */
  readonly isOfGroup: boolean

  constructor(before: readonly T[], isOfGroup = false) {
    this.before = before
    this.missing = before.length
    this.isOfGroup = isOfGroup
  }
}

/** What the order says of one. */
export interface Place<T> {
  /** Those that it comes after. */
  readonly waitsFor: Gate<T>[]
  /** Those in which others come after it. */
  readonly opens: Gate<T>[]
  /** When they stop: 0 of those that nobody comes after, and 1 more than the highest that does. */
  level: number
}

interface Ordered {
  readonly label: string
  readonly after: readonly string[]
}

/** The order in which the entries of a list start and stop: none of most. */
export class StartOrder<T> {
  readonly #places = new Map<T, Place<T>>()

  get isEmpty(): boolean {
    return this.#places.size === 0
  }

  /** Undefined of one that comes after nobody, and nobody after it. */
  of(item: T): Place<T> | undefined {
    return this.#places.get(item)
  }

  add(gate: Gate<T>): void {
    for (const item of gate.before) this.#placeOf(item).opens.push(gate)
    for (const item of gate.after) this.#placeOf(item).waitsFor.push(gate)
  }

  remove(item: T): void {
    for (const gate of this.of(item)?.waitsFor ?? []) gate.after.splice(gate.after.indexOf(item), 1)
    this.#places.delete(item)
  }

  /** @returns those that come after each other in a circle, in order; empty when all is well */
  setLevels(): T[] {
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
      // Each that is left opens a gate for another that is left.
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
 * The order that a list's `after` asks for.
 *
 * @throws InvalidArgumentError for a name that nobody in the list has, and for a circle
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
      if (before === undefined)
        throw unknownName(`${what}: after of '${shortened(label)}'`, name, [...byLabel.keys()])
      const gate = gates.get(name) ?? new Gate([before])
      gates.set(name, gate)
      gate.after.push(item)
    }
  }
  for (const gate of gates.values()) order.add(gate)
  checkCircle(order, (item) => ordered(item).label, what)
  return order
}

/** @throws InvalidArgumentError that prints it */
export function checkCircle<T>(order: StartOrder<T>, labelOf: (item: T) => string, what: string): void {
  const circle = order.setLevels()
  if (circle.length === 0) return
  const path = circle.map((item) => shortened(labelOf(item))).join(' after ')
  throw new InvalidArgumentError(`${what}: expected an order; got a circle: ${path}`)
}

export function unknownName(what: string, name: string, known: readonly string[]): InvalidArgumentError {
  const near = nearest(name, known)
  const hint = near === undefined ? `there are ${known.slice(0, 10).join(', ')}` : `did you mean '${near}'?`
  return new InvalidArgumentError(
    `${what}: expected the name of one beside it; got '${shortened(name)}'; ${hint}`,
  )
}
