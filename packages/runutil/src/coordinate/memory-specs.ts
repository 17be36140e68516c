import type { Id, Named, SpecStore } from './coordinate-store.ts'
import { type MemoryTables, type MemorySpec, byName, fromJson, named } from './memory-tables.ts'
import { type MemoryUnits, countByStatus } from './memory-units.ts'
import { type MetaChange, changedMeta } from './meta-change.ts'
import type { SummaryRow, WorkUnitStatus } from './model.ts'
import { type DerivedMeta, type WorkSpecData, type WorkSpecMeta, taskIn } from './work-spec-meta.ts'

export class MemorySpecs implements SpecStore {
  readonly #tables: MemoryTables
  readonly #units: MemoryUnits
  readonly #now: () => number

  constructor(tables: MemoryTables, units: MemoryUnits, now: () => number) {
    this.#tables = tables
    this.#units = units
    this.#now = now
  }

  async set(namespaceId: Id, name: string, data: WorkSpecData, meta: DerivedMeta): Promise<Id> {
    const namespace = this.#tables.namespaces.get(namespaceId)
    const found = namespace.specs.get(name)
    if (found !== undefined) return replace(found, data, meta).id
    const spec: MemorySpec = {
      id: this.#tables.nextId(),
      name,
      namespace,
      units: new Map(),
      data: JSON.stringify(data),
      task: taskIn(data) ?? name,
      meta: { ...meta, nextContinuous: undefined },
      continuousSince: undefined,
    }
    namespace.specs.set(name, spec)
    return this.#tables.specs.add(spec).id
  }

  async find(namespace: Id, name: string): Promise<Id | undefined> {
    return this.#tables.namespaces.get(namespace).specs.get(name)?.id
  }

  async all(namespace: Id): Promise<Named[]> {
    return [...this.#tables.namespaces.get(namespace).specs.values()].sort(byName).map(named)
  }

  async destroy(id: Id): Promise<void> {
    this.remove(this.#tables.specs.get(id))
  }

  remove(spec: MemorySpec): void {
    for (const unit of spec.units.values()) this.#units.remove(unit)
    spec.namespace.specs.delete(spec.name)
    this.#tables.specs.delete(spec)
  }

  async data(id: Id): Promise<WorkSpecData> {
    return fromJson(this.#tables.specs.get(id).data)
  }

  async setData(id: Id, data: WorkSpecData, meta: DerivedMeta): Promise<void> {
    replace(this.#tables.specs.get(id), data, meta)
  }

  async meta(id: Id, withCounts: boolean): Promise<WorkSpecMeta> {
    const { meta, units } = this.#tables.specs.get(id)
    const none = { availableCount: 0, pendingCount: 0 }
    if (!withCounts) return { ...meta, ...none }
    const { available, pending } = countByStatus(units.values(), this.#now())
    return { ...meta, availableCount: available, pendingCount: pending }
  }

  async setMeta(id: Id, change: MetaChange): Promise<void> {
    const spec = this.#tables.specs.get(id)
    spec.meta = changedMeta(spec.meta, change)
    if ('nextContinuous' in change) spec.continuousSince = undefined
  }

  async summarize(id: Id): Promise<SummaryRow[]> {
    return this.summaryOf(this.#tables.specs.get(id), this.#now())
  }

  summaryOf({ name, namespace, units }: MemorySpec, now: number): SummaryRow[] {
    const counts = Object.entries(countByStatus(units.values(), now)) as [WorkUnitStatus, number][]
    return counts
      .filter(([, count]) => count > 0)
      .map(([status, count]) => ({ namespace: namespace.name, workSpec: name, status, count }))
  }
}

function replace(spec: MemorySpec, data: WorkSpecData, meta: DerivedMeta): MemorySpec {
  spec.data = JSON.stringify(data)
  spec.task = taskIn(data) ?? spec.name
  spec.meta = { ...meta, nextContinuous: spec.meta.nextContinuous }
  return spec
}
