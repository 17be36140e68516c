import { systemClock } from '../core/clock-system.ts'
import type { CoordinateStore, CoordinateTables } from './coordinate-store.ts'
import { MemoryAttempts } from './memory-attempts.ts'
import { MemoryNamespaces } from './memory-namespaces.ts'
import { MemoryTables } from './memory-tables.ts'
import { MemorySpecs } from './memory-specs.ts'
import { MemoryUnits } from './memory-units.ts'
import { MemoryWorkers } from './memory-workers.ts'

/**
 * Work in this process's memory, lost when it ends: for tests, and as the reference for a store's behaviour. Each call is
 * atomic, since none of it is asynchronous.
 */
export class MemoryCoordinateStore implements CoordinateStore {
  readonly #tables = new MemoryTables()

  withTime(now: () => number = () => systemClock.now()): CoordinateTables {
    const tables = this.#tables
    const units = new MemoryUnits(tables, now)
    const specs = new MemorySpecs(tables, units, now)
    return {
      units,
      specs,
      namespaces: new MemoryNamespaces(tables, specs, units, now),
      workers: new MemoryWorkers(tables, now),
      attempts: new MemoryAttempts(tables, units, now),
    }
  }
}
