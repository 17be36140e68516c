import { checkOptions, checkText } from '../core/options.ts'
import { checkCount, checkData, checkName, checkNumber, checkStatuses, checkTexts } from './checks.ts'
import type { AddedUnit, Id, Named, UnitSelection } from './coordinate-store.ts'
import type { Data } from './data.ts'
import { ErrChangedName, ErrNoSuchWorkUnit } from './errors.ts'
import { metaChange } from './meta-change.ts'
import type {
  NewWorkUnit,
  SummaryRow,
  WorkSpec,
  WorkUnit,
  WorkUnitMeta,
  WorkUnitQuery,
  WorkUnitStatus,
} from './model.ts'
import type { Session } from './session.ts'
import { type WorkSpecData, type WorkSpecMeta, metaOf, nameIn } from './work-spec-meta.ts'
import { unitMeta } from './work-unit-handle.ts'

export class WorkSpecHandle implements WorkSpec {
  readonly name: string
  readonly #id: Id
  readonly #session: Session

  constructor(session: Session, { id, name }: Named) {
    this.#session = session
    this.#id = id
    this.name = name
  }

  data(): Promise<WorkSpecData> {
    return this.#session.store.specs.data(this.#id)
  }

  async setData(data: WorkSpecData): Promise<void> {
    checkData(data, 'setData')
    const name = nameIn(data)
    if (name !== this.name) throw new ErrChangedName(this.name, name)
    await this.#session.store.specs.setData(this.#id, data, metaOf(data))
  }

  async meta(options: { withCounts?: boolean } = {}): Promise<WorkSpecMeta> {
    const { withCounts = false } = checkOptions('meta', options, ['withCounts'])
    return this.#session.store.specs.meta(this.#id, withCounts)
  }

  async setMeta(meta: Partial<WorkSpecMeta>): Promise<void> {
    await this.#session.store.specs.setMeta(this.#id, metaChange(meta))
  }

  async addWorkUnit(name: string, data: Data, meta?: WorkUnitMeta): Promise<WorkUnit> {
    const [unit] = await this.addWorkUnits([{ name, data, meta }])
    return unit!
  }

  async addWorkUnits(units: readonly NewWorkUnit[]): Promise<WorkUnit[]> {
    const added = units.map(addedUnit)
    const ids = await this.#session.store.units.add(this.#id, added)
    return added.map(({ name }, at) => this.#unit({ id: ids[at]!, name }))
  }

  async workUnit(name: string): Promise<WorkUnit> {
    checkText(name, 'workUnit: name')
    const id = await this.#session.store.units.find(this.#id, name)
    if (id === undefined) throw new ErrNoSuchWorkUnit(name)
    return this.#unit({ id, name })
  }

  async workUnits(query: WorkUnitQuery = {}): Promise<Map<string, WorkUnit>> {
    const { store } = this.#session
    const units = await store.units.select(this.#id, selection(query, 'workUnits'))
    return new Map(units.map((unit) => [unit.name, this.#unit(unit)]))
  }

  countWorkUnitStatus(): Promise<Record<WorkUnitStatus, number>> {
    return this.#session.store.units.count(this.#id)
  }

  async setWorkUnitPriorities(query: WorkUnitQuery, priority: number): Promise<void> {
    checkNumber(priority, 'setWorkUnitPriorities: priority')
    const units = selection(query, 'setWorkUnitPriorities')
    await this.#session.store.units.prioritise(this.#id, units, { to: priority })
  }

  async adjustWorkUnitPriorities(query: WorkUnitQuery, by: number): Promise<void> {
    checkNumber(by, 'adjustWorkUnitPriorities: by')
    const units = selection(query, 'adjustWorkUnitPriorities')
    await this.#session.store.units.prioritise(this.#id, units, { by })
  }

  async retryWorkUnits(query: WorkUnitQuery = {}): Promise<number> {
    const units = selection(query, 'retryWorkUnits')
    const failed = { ...units, statuses: (units.statuses ?? ['failed']).filter((one) => one === 'failed') }
    return this.#session.store.units.clear(this.#id, failed)
  }

  async clearWorkUnits(query: WorkUnitQuery = {}): Promise<number> {
    const units = selection(query, 'clearWorkUnits')
    return this.#session.store.units.clear(this.#id, units)
  }

  async deleteWorkUnits(query: WorkUnitQuery = {}): Promise<number> {
    const units = selection(query, 'deleteWorkUnits')
    return this.#session.store.units.delete(this.#id, units)
  }

  summarize(): Promise<SummaryRow[]> {
    return this.#session.store.specs.summarize(this.#id)
  }

  #unit(unit: Named): WorkUnit {
    return this.#session.make.workUnit(unit, this)
  }
}

function addedUnit({ name, data, meta }: NewWorkUnit, at: number): AddedUnit {
  const what = `addWorkUnits[${at}]`
  checkName(name, what)
  checkData(data, what)
  return { name, data, ...unitMeta(meta, what) }
}

function selection(query: WorkUnitQuery, what: string): UnitSelection {
  const known = ['names', 'statuses', 'previousName', 'limit'] as const
  const { names, statuses, previousName, limit = Infinity } = checkOptions(what, query, known)
  if (limit !== Infinity) checkCount(limit, `${what}: limit`)
  checkTexts(names, `${what}: names`)
  checkStatuses(statuses, `${what}: statuses`)
  if (previousName !== undefined) checkText(previousName, `${what}: previousName`)
  return { names, statuses, previousName, limit }
}
