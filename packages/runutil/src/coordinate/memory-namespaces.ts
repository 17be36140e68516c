import { type Id, MOST_COUNTED, type Named, type NamespaceStore, type Pruned } from './coordinate-store.ts'
import { type MemoryAttempt, type MemoryTables, byName, named } from './memory-tables.ts'
import type { MemorySpecs } from './memory-specs.ts'
import { type MemoryUnits, countByStatus } from './memory-units.ts'
import type { OpenUnits, SummaryRow } from './model.ts'

export class MemoryNamespaces implements NamespaceStore {
  readonly #tables: MemoryTables
  readonly #specs: MemorySpecs
  readonly #units: MemoryUnits
  readonly #now: () => number

  constructor(tables: MemoryTables, specs: MemorySpecs, units: MemoryUnits, now: () => number) {
    this.#tables = tables
    this.#specs = specs
    this.#units = units
    this.#now = now
  }

  async obtain(name: string): Promise<Id> {
    const found = this.#tables.namespaces.rows.find((namespace) => namespace.name === name)
    if (found !== undefined) return found.id
    const namespace = { id: this.#tables.nextId(), name, specs: new Map(), workers: new Map() }
    return this.#tables.namespaces.add(namespace).id
  }

  async all(): Promise<Named[]> {
    return this.#tables.namespaces.rows.sort(byName).map(named)
  }

  async destroy(id: Id): Promise<void> {
    const namespace = this.#tables.namespaces.get(id)
    for (const spec of namespace.specs.values()) this.#specs.remove(spec)
    for (const worker of namespace.workers.values()) this.#tables.workers.delete(worker)
    this.#tables.namespaces.delete(namespace)
  }

  async summarize(id: Id | undefined): Promise<SummaryRow[]> {
    const { namespaces } = this.#tables
    const chosen = id === undefined ? namespaces.rows.sort(byName) : [namespaces.get(id)]
    return chosen.flatMap(({ specs }) =>
      [...specs.values()].sort(byName).flatMap((spec) => this.#specs.summaryOf(spec, this.#now())),
    )
  }

  async openUnits(): Promise<OpenUnits[]> {
    const all = this.#tables.namespaces.rows.sort(byName).flatMap(({ name: namespace, specs }) =>
      [...specs.values()].sort(byName).map(({ name: workSpec, units }) => {
        return { namespace, workSpec, ...countByStatus(units.values(), this.#now()) }
      }),
    )
    const isTooMany = all.reduce((sum, { delayed }) => sum + delayed, 0) >= MOST_COUNTED
    return all.map(({ namespace, workSpec, available, pending, delayed }) => ({
      namespace,
      workSpec,
      available: Math.min(available, MOST_COUNTED),
      pending: Math.min(pending, MOST_COUNTED),
      delayed: isTooMany ? undefined : delayed,
    }))
  }

  /** Prunes everything at once. */
  async prune(id: Id, retentionMs: number): Promise<Pruned> {
    const until = this.#now() - retentionMs
    const hasEnded = ({ endTime, expirationTime }: MemoryAttempt): boolean =>
      (endTime ?? expirationTime) <= until
    let removed = 0
    for (const spec of this.#tables.namespaces.get(id).specs.values()) {
      for (const unit of spec.units.values()) {
        if (unit.active !== undefined && isOver(unit.active) && hasEnded(unit.active)) {
          this.#units.remove(unit)
          removed++
        } else {
          const old = unit.attempts
            .slice(0, -1)
            .filter((attempt) => attempt !== unit.active && hasEnded(attempt))
          for (const attempt of old) this.#units.removeAttempt(attempt)
        }
      }
    }
    return { removed, next: undefined }
  }
}

function isOver({ status }: MemoryAttempt): boolean {
  return status === 'finished' || status === 'failed'
}
