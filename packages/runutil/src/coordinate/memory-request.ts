import {
  type MemoryTables,
  type MemoryNamespace,
  type MemorySpec,
  type MemoryUnit,
  type MemoryWorker,
  byName,
  fromJson,
  statusOfUnit,
} from './memory-tables.ts'
import { type MemoryUnits, countByStatus } from './memory-units.ts'
import { type SchedulerRequest, type Candidate, choose } from './scheduler.ts'

/** One request for units: which spec, and which of its units. */
export class MemoryRequest {
  readonly #tables: MemoryTables
  readonly #units: MemoryUnits
  readonly #worker: MemoryWorker
  readonly #namespace: MemoryNamespace
  readonly #now: number

  constructor(tables: MemoryTables, units: MemoryUnits, worker: MemoryWorker, now: number) {
    this.#tables = tables
    this.#units = units
    this.#worker = worker
    this.#namespace = worker.namespace
    this.#now = now
  }

  /** The units to lease. @param random decides among specs, each time as the same share of the remaining chances */
  units(request: SchedulerRequest, random: number): MemoryUnit[] {
    for (;;) {
      const candidates = [...this.#namespace.specs.values()].sort(byName).map((spec) => this.#candidate(spec))
      const choice = choose(candidates, request, this.#now, random)
      if (choice === undefined) return []
      const spec = this.#namespace.specs.get(choice.spec)!
      const units = this.#leasable(spec, choice.units)
      if (units.length > 0) return units
    }
  }

  #candidate({ name, meta, units }: MemorySpec): Candidate {
    const { available, pending } = countByStatus(units.values(), this.#now)
    const nextContinuous = meta.nextContinuous?.getTime() ?? 0
    return { ...meta, name, available, pending, nextContinuous }
  }

  /** Units with too many attempts fail instead; none may be left. */
  #leasable(spec: MemorySpec, limit: number): MemoryUnit[] {
    const first = [...spec.units.values()]
      .filter((unit) => statusOfUnit(unit, this.#now) === 'available')
      .sort((a, b) => b.priority - a.priority || byName(a, b))
      .slice(0, limit)
    if (first.length === 0) return [this.#continued(spec)]
    const { maxRetries } = spec.meta
    const spent = first.filter(({ tries }) => maxRetries > 0 && tries >= maxRetries)
    for (const unit of spent) this.#fail(unit, maxRetries)
    return first.filter((unit) => !spent.includes(unit))
  }

  /** Fails a unit by a new attempt; earlier attempts stay as they are. */
  #fail(unit: MemoryUnit, maxRetries: number): void {
    const message = `it had ${unit.tries} attempts since it was last added, cleared or finished; max_retries is ${maxRetries}`
    const attempt = this.#tables.addAttempt(this.#worker, unit, 0, this.#now)
    const data = JSON.stringify({ ...fromJson(attempt.data), message })
    Object.assign(attempt, { status: 'failed', endTime: this.#now, data })
  }

  #continued(spec: MemorySpec): MemoryUnit {
    spec.meta.nextContinuous = new Date(this.#now + spec.meta.interval)
    spec.continuousSince = this.#now
    const name = `${Math.floor(this.#now / 1_000)}`
    return this.#units.put(spec, { name, data: {}, priority: 0, notBefore: undefined }, this.#now)
  }
}
