import { Events } from '../core/events.ts'
import type {
  AddedUnit,
  Id,
  Named,
  Now,
  PriorityChange,
  StoredAttempt,
  StoredUnit,
  UnitSelection,
  UnitStore,
} from './coordinate-store.ts'
import {
  type AttemptRecord,
  type MemoryTables,
  type SpecRecord,
  type UnitRecord,
  byName,
  named,
  statusOfUnit,
  timeOf,
  toStoredAttempt,
  toStoredUnit,
} from './memory-records.ts'
import type { WorkUnitStatus } from './model.ts'

export class MemoryUnits implements UnitStore {
  readonly #tables: MemoryTables
  readonly #events = new Events<{ ready: [namespace: Id] }>()

  constructor(tables: MemoryTables) {
    this.#tables = tables
  }

  async add(specId: Id, units: readonly AddedUnit[], now: Now): Promise<Id[]> {
    const spec = this.#tables.specs.get(specId)
    return units.map((unit) => this.put(spec, unit, timeOf(now)).id)
  }

  put(spec: SpecRecord, { name, data, priority, notBefore }: AddedUnit, now: number): UnitRecord {
    const given = { data: JSON.stringify(data), priority, notBefore }
    this.mayBeHad(spec)
    const found = spec.units.get(name)
    if (found === undefined) return this.#insert(spec, name, given)
    // What is pending goes on as it is; what has ended runs again.
    if (statusOfUnit(found, now) !== 'pending') found.active = undefined
    return Object.assign(found, given, { tries: 0 })
  }

  #insert(
    spec: SpecRecord,
    name: string,
    given: Pick<UnitRecord, 'data' | 'priority' | 'notBefore'>,
  ): UnitRecord {
    const unit: UnitRecord = {
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

  /** Tells those who listen, when what is going on is done. */
  mayBeHad({ namespace }: SpecRecord): void {
    void Promise.resolve().then(() => this.#events.emit('ready', namespace.id))
  }

  async listen(namespace: Id, onReady: () => void): Promise<() => Promise<void>> {
    const off = this.#events.on('ready', (id) => id === namespace && onReady())
    return async () => off()
  }

  async find(spec: Id, name: string): Promise<Id | undefined> {
    return this.#tables.specs.get(spec).units.get(name)?.id
  }

  async select(spec: Id, selection: UnitSelection, now: Now): Promise<Named[]> {
    return this.#selected(spec, selection, now).map(named)
  }

  #selected(spec: Id, selection: UnitSelection, now: Now): UnitRecord[] {
    const { names, statuses, previousName, limit } = selection
    const after = previousName === undefined ? undefined : { id: 0, name: previousName }
    const wanted = names && new Set(names)
    const at = timeOf(now)
    return [...this.#tables.specs.get(spec).units.values()]
      .filter((unit) => wanted?.has(unit.name) ?? true)
      .filter((unit) => statuses?.includes(statusOfUnit(unit, at)) ?? true)
      .filter((unit) => after === undefined || byName(unit, after) > 0)
      .sort(byName)
      .slice(0, limit)
  }

  async count(spec: Id, now: Now): Promise<Record<WorkUnitStatus, number>> {
    return countByStatus(this.#tables.specs.get(spec).units.values(), timeOf(now))
  }

  async prioritise(spec: Id, selection: UnitSelection, change: PriorityChange, now: Now): Promise<void> {
    for (const unit of this.#selected(spec, selection, now)) {
      unit.priority = 'to' in change ? change.to : unit.priority + change.by
    }
  }

  async delete(spec: Id, selection: UnitSelection, now: Now): Promise<number> {
    const units = this.#selected(spec, selection, now)
    for (const unit of units) this.remove(unit)
    return units.length
  }

  async clear(spec: Id, selection: UnitSelection, now: Now): Promise<number> {
    const units = this.#selected(spec, selection, now)
    for (const unit of units) this.#clear(unit)
    return units.length
  }

  /** With its attempts, which leave their workers too. */
  remove(unit: UnitRecord): void {
    for (const attempt of [...unit.attempts]) this.removeAttempt(attempt)
    unit.spec.units.delete(unit.name)
    this.#tables.units.delete(unit)
  }

  removeAttempt(attempt: AttemptRecord): void {
    attempt.worker.attempts.delete(attempt)
    attempt.unit.attempts.splice(attempt.unit.attempts.indexOf(attempt), 1)
    this.#tables.attempts.delete(attempt)
  }

  async get(id: Id, now: Now): Promise<StoredUnit> {
    return toStoredUnit(this.#tables.units.get(id), timeOf(now))
  }

  async setMeta(id: Id, priority: number, notBefore: number | undefined): Promise<void> {
    Object.assign(this.#tables.units.get(id), { priority, notBefore })
  }

  async setPriority(id: Id, priority: number): Promise<void> {
    this.#tables.units.get(id).priority = priority
  }

  async clearActiveAttempt(id: Id): Promise<void> {
    this.#clear(this.#tables.units.get(id))
  }

  #clear(unit: UnitRecord): void {
    Object.assign(unit, { active: undefined, tries: 0 })
    this.mayBeHad(unit.spec)
  }

  async attempts(id: Id, now: Now): Promise<StoredAttempt[]> {
    return this.#tables.units.get(id).attempts.map((attempt) => toStoredAttempt(attempt, timeOf(now)))
  }
}

export function countByStatus(units: Iterable<UnitRecord>, now: number): Record<WorkUnitStatus, number> {
  const counts = { available: 0, pending: 0, finished: 0, failed: 0, delayed: 0 }
  for (const unit of units) counts[statusOfUnit(unit, now)]++
  return counts
}
