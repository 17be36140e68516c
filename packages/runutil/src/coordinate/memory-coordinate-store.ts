import type {
  AttemptStore,
  CoordinateStore,
  NamespaceStore,
  SpecStore,
  UnitStore,
  WorkerStore,
} from './coordinate-store.ts'
import { MemoryAttempts } from './memory-attempts.ts'
import { MemoryNamespaces } from './memory-namespaces.ts'
import { MemoryTables } from './memory-records.ts'
import { MemorySpecs } from './memory-specs.ts'
import { MemoryUnits } from './memory-units.ts'
import { MemoryWorkers } from './memory-workers.ts'

/**
 * Work in this process's memory, gone when it ends: for tests, and to read how a store behaves. What one call does is
 * done before another's turn, since nothing in it waits.
 */
export class MemoryCoordinateStore implements CoordinateStore {
  readonly namespaces: NamespaceStore
  readonly specs: SpecStore
  readonly units: UnitStore
  readonly workers: WorkerStore
  readonly attempts: AttemptStore

  constructor() {
    const tables = new MemoryTables()
    const units = new MemoryUnits(tables)
    const specs = new MemorySpecs(tables, units)
    this.units = units
    this.specs = specs
    this.namespaces = new MemoryNamespaces(tables, specs, units)
    this.workers = new MemoryWorkers(tables)
    this.attempts = new MemoryAttempts(tables, units)
  }
}
