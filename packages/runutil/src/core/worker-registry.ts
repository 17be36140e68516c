import { type Origin, isReloaded } from './origin.ts'
import { shared } from './shared.ts'

/** The settings with which a worker class was decorated or provided. */
export interface WorkerEntry {
  readonly name: string
  readonly group: string | undefined
  /** The tokens of the constructor's parameters, for the container to which the class was provided. */
  readonly inject?: readonly unknown[] | undefined
  readonly origin: Origin
  /** How its workers are supervised as a group of their own; undefined: they are workers of the run. */
  readonly supervise?: object | undefined
  /** The classes whose workers start before its own. */
  readonly after?: readonly Function[] | undefined
}

/**
 * Worker classes, in the order of their registration. When a file is loaded a second time, its class replaces the one of the
 * first time.
 */
export class WorkerRegistry {
  readonly #entries = new Map<Function, WorkerEntry>()

  add(type: Function, entry: WorkerEntry): void {
    for (const [other, older] of this.#entries) {
      if (other !== type && isSame(older, entry)) this.#entries.delete(other)
    }
    this.#entries.set(type, entry)
  }

  get(type: Function): WorkerEntry | undefined {
    return this.#entries.get(type)
  }

  get size(): number {
    return this.#entries.size
  }

  [Symbol.iterator](): IterableIterator<[Function, WorkerEntry]> {
    return this.#entries.entries()
  }
}

function isSame(older: WorkerEntry, newer: WorkerEntry): boolean {
  return older.name === newer.name && older.group === newer.group && isReloaded(older.origin, newer.origin)
}

const decorated = shared('decorated', () => ({ current: new WorkerRegistry() }))
const entries = shared('decorations', () => new WeakMap<Function, WorkerEntry>())

/** The decorated classes, which a run finds by itself. */
export function decoratedWorkers(): WorkerRegistry {
  return decorated.current
}

export function addDecorated(type: Function, entry: WorkerEntry): void {
  entries.set(type, entry)
  decorated.current.add(type, entry)
}

/** The settings of a decorated class, whether runs find it or not. */
export function decorationOf(type: Function): WorkerEntry | undefined {
  return entries.get(type)
}

/** Makes runs find only classes that are decorated from now on, until the returned function is called. */
export function isolate(): () => void {
  const outer = decorated.current
  const inner = (decorated.current = new WorkerRegistry())
  return () => {
    if (decorated.current === inner) decorated.current = outer
  }
}
