import type { Clock } from '../core/clock.ts'
import { unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { checkName } from './checks.ts'
import type { CoordinateStore } from './coordinate-store.ts'
import type { Coordinate, Namespace, OpenUnits, SummaryRow } from './model.ts'
import { handlesOf } from './handles.ts'
import { Session } from './session.ts'

/** Options of `createCoordinate`. */
export interface CoordinateOptions {
  /** Where all times come from. Default: the store's own clock; a database's for PostgreSQL. */
  clock?: Clock | undefined
}

/**
 * Creates the scheduler on a store.
 *
 * @example
 * const coordinate = createCoordinate(new MemoryCoordinateStore())
 * const namespace = await coordinate.namespace('crawl')
 * const spec = await namespace.setWorkSpec({ name: 'pages' })
 * await spec.addWorkUnit('https://example.org', {})
 */
export function createCoordinate(store: CoordinateStore, options: CoordinateOptions = {}): Coordinate {
  const { clock } = checkOptions('createCoordinate', options, ['clock'])
  if (typeof store?.withTime !== 'function') {
    throw unexpected('createCoordinate', 'a MemoryCoordinateStore or PostgresCoordinateStore', store)
  }
  return new CoordinateHandle(new Session(store, clock, handlesOf))
}

class CoordinateHandle implements Coordinate {
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  async namespace(name: string): Promise<Namespace> {
    checkName(name, 'namespace')
    const id = await this.#session.store.namespaces.obtain(name)
    return this.#session.make.namespace({ id, name })
  }

  async namespaces(): Promise<Map<string, Namespace>> {
    const all = await this.#session.store.namespaces.all()
    return new Map(all.map((one) => [one.name, this.#session.make.namespace(one)]))
  }

  summarize(): Promise<SummaryRow[]> {
    return this.#session.store.namespaces.summarize(undefined)
  }

  openUnits(): Promise<OpenUnits[]> {
    return this.#session.store.namespaces.openUnits()
  }
}
