import type {
  AddedUnit,
  Id,
  Named,
  PriorityChange,
  AttemptRow,
  UnitRow,
  UnitSelection,
  UnitStore,
} from './coordinate-store.ts'
import {
  type MemoryAttempt,
  type MemoryTables,
  type MemorySpec,
  type MemoryUnit,
  byName,
  named,
  statusOfUnit,
  attemptRow,
  unitRow,
} from './memory-tables.ts'
import type { WorkUnitStatus } from './model.ts'

export class MemoryUnits implements UnitStore {
  readonly #tables: MemoryTables
  readonly #now: () => number

  constructor(tables: MemoryTables, now: () => number) {
    this.#tables = tables
    this.#now = now
  }

  async add(specId: Id, units: readonly AddedUnit[]): Promise<Id[]> {
    const spec = this.#tables.specs.get(specId)
    return units.map((unit) => this.put(spec, unit, this.#now()).id)
  }

  put(spec: MemorySpec, { name, data, priority, notBefore }: AddedUnit, now: number): MemoryUnit {
    const given = { data: JSON.stringify(data), priority, notBefore, delayedSince: undefined }
    this.mayBeAvailable(spec)
    const found = spec.units.get(name)
    if (found === undefined) return this.#insert(spec, name, given)
    // A pending unit goes on; one that has ended runs again.
    if (statusOfUnit(found, now) !== 'pending') found.active = undefined
    return Object.assign(found, given, { tries: 0 })
  }

  #insert(
    spec: MemorySpec,
    name: string,
    given: Pick<MemoryUnit, 'data' | 'priority' | 'notBefore' | 'delayedSince'>,
  ): MemoryUnit {
    const unit: MemoryUnit = {
      id: this.#tables.nextId(),
      name,
      spec,
      attempts: [],
      active: undefined,
      numAttempts: 0,
      tries: 0,
      ...given,
    }
    spec.units.set(name, unit)
    return this.#tables.units.add(unit)
  }

  /** Notifies listeners, after the current call is done. */
  mayBeAvailable({ namespace }: MemorySpec): void {
    void Promise.resolve().then(() => this.#tables.events.emit('ready', namespace.id))
  }

  async listen(namespace: Id, onReady: () => void): Promise<() => Promise<void>> {
    const off = this.#tables.events.on('ready', (id) => id === namespace && onReady())
    return async () => off()
  }

  async find(spec: Id, name: string): Promise<Id | undefined> {
    return this.#tables.specs.get(spec).units.get(name)?.id
  }

  async select(spec: Id, selection: UnitSelection): Promise<Named[]> {
    return this.#selected(spec, selection).map(named)
  }

  #selected(spec: Id, selection: UnitSelection): MemoryUnit[] {
    const { names, statuses, previousName, limit } = selection
    const after = previousName === undefined ? undefined : { id: 0, name: previousName }
    const wanted = names && new Set(names)
    const at = this.#now()
    return [...this.#tables.specs.get(spec).units.values()]
      .filter((unit) => wanted?.has(unit.name) ?? true)
      .filter((unit) => statuses?.includes(statusOfUnit(unit, at)) ?? true)
      .filter((unit) => after === undefined || byName(unit, after) > 0)
      .sort(byName)
      .slice(0, limit)
  }

  async count(spec: Id): Promise<Record<WorkUnitStatus, number>> {
    return countByStatus(this.#tables.specs.get(spec).units.values(), this.#now())
  }

  async prioritise(spec: Id, selection: UnitSelection, change: PriorityChange): Promise<void> {
    for (const unit of this.#selected(spec, selection)) {
      unit.priority = 'to' in change ? change.to : unit.priority + change.by
    }
  }

  async delete(spec: Id, selection: UnitSelection): Promise<number> {
    const units = this.#selected(spec, selection)
    for (const unit of units) this.remove(unit)
    return units.length
  }

  async clear(spec: Id, selection: UnitSelection): Promise<number> {
    const units = this.#selected(spec, selection)
    for (const unit of units) this.#clear(unit)
    return units.length
  }

  /** Removes a unit with its attempts, also from their workers. */
  remove(unit: MemoryUnit): void {
    for (const attempt of [...unit.attempts]) this.removeAttempt(attempt)
    unit.spec.units.delete(unit.name)
    this.#tables.units.delete(unit)
  }

  removeAttempt(attempt: MemoryAttempt): void {
    attempt.worker.attempts.delete(attempt)
    attempt.unit.attempts.splice(attempt.unit.attempts.indexOf(attempt), 1)
    this.#tables.attempts.delete(attempt)
  }

  async get(id: Id): Promise<UnitRow> {
    return unitRow(this.#tables.units.get(id), this.#now())
  }

  async setMeta(id: Id, priority: number, notBefore: number | undefined): Promise<void> {
    const unit = this.#tables.units.get(id)
    Object.assign(unit, { priority, notBefore, delayedSince: undefined })
    this.mayBeAvailable(unit.spec)
  }

  async setPriority(id: Id, priority: number): Promise<void> {
    this.#tables.units.get(id).priority = priority
  }

  async clearActiveAttempt(id: Id): Promise<void> {
    this.#clear(this.#tables.units.get(id))
  }

  #clear(unit: MemoryUnit): void {
    Object.assign(unit, { active: undefined, tries: 0 })
    this.mayBeAvailable(unit.spec)
  }

  async attempts(id: Id): Promise<AttemptRow[]> {
    return this.#tables.units.get(id).attempts.map((attempt) => attemptRow(attempt, this.#now()))
  }
}

export function countByStatus(units: Iterable<MemoryUnit>, now: number): Record<WorkUnitStatus, number> {
  const counts = { available: 0, pending: 0, finished: 0, failed: 0, delayed: 0 }
  for (const unit of units) counts[statusOfUnit(unit, now)]++
  return counts
}
