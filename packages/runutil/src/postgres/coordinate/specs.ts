import type { Id, Named, SpecStore } from '../../coordinate/coordinate-store.ts'
import type { MetaChange } from '../../coordinate/meta-change.ts'
import type { SummaryRow } from '../../coordinate/model.ts'
import {
  type DerivedMeta,
  type WorkSpecData,
  type WorkSpecMeta,
  taskIn,
} from '../../coordinate/work-spec-meta.ts'
import { EQ, JSON_TYPE, TEXT, timeOf } from '../database/qualified.ts'
import { existing, namedRows, statusOrder, summaryRows } from './namespaces.ts'
import type { Queries } from './queries.ts'
import { metaColumns, metaJson, metaParameters, metaValues } from './spec-columns.ts'

const WHAT = 'the work spec'
const columns = metaColumns.join(', ')

export class Specs implements SpecStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  async set(namespace: Id, name: string, data: WorkSpecData, meta: DerivedMeta): Promise<Id> {
    const { s } = this.#queries
    const text = /* sql */ `insert into ${s}.work_specs (namespace, name, data, task, ${columns})
      select id, $2::${TEXT}, $3::${TEXT}::${JSON_TYPE}, $4::${TEXT}, ${metaParameters(5).join(', ')} from ${s}.work_namespaces where id ${EQ} $1::bigint
      on conflict (namespace, name) do update
        set data = excluded.data, task = excluded.task, (${columns}) = row(${metaColumns.map((column) => `excluded.${column}`).join(', ')})
      returning id`
    const params = [namespace, name, JSON.stringify(data), taskIn(data) ?? name, ...metaValues(meta)]
    return Number((await this.#queries.row<[string]>('the namespace', text, params))[0])
  }

  async find(namespace: Id, name: string): Promise<Id | undefined> {
    const { s } = this.#queries
    await existing(this.#queries, 'work_namespaces', 'the namespace', namespace)
    const text = /* sql */ `select id, name from ${s}.work_specs where namespace ${EQ} $1::bigint and name ${EQ} $2::${TEXT}`
    return namedRows(await this.#queries.rows(text, [namespace, name]))[0]?.id
  }

  async all(namespace: Id): Promise<Named[]> {
    await existing(this.#queries, 'work_namespaces', 'the namespace', namespace)
    const text = /* sql */ `select id, name from ${this.#queries.s}.work_specs where namespace ${EQ} $1::bigint order by name`
    return namedRows(await this.#queries.rows(text, [namespace]))
  }

  async destroy(id: Id): Promise<void> {
    const text = /* sql */ `delete from ${this.#queries.s}.work_specs where id ${EQ} $1::bigint returning id`
    await this.#queries.row(WHAT, text, [id])
  }

  data(id: Id): Promise<WorkSpecData> {
    const text = /* sql */ `select data::${TEXT} from ${this.#queries.s}.work_specs where id ${EQ} $1::bigint`
    return this.#queries.json(WHAT, text, [id])
  }

  async setData(id: Id, data: WorkSpecData, meta: DerivedMeta): Promise<void> {
    const text = /* sql */ `update ${this.#queries.s}.work_specs
      set data = $2::${TEXT}::${JSON_TYPE}, task = coalesce($3::${TEXT}, name), (${columns}) = row(${metaParameters(4).join(', ')})
      where id ${EQ} $1::bigint returning id`
    await this.#queries.row(WHAT, text, [id, JSON.stringify(data), taskIn(data) ?? null, ...metaValues(meta)])
  }

  async meta(id: Id, withCounts: boolean): Promise<WorkSpecMeta> {
    const { s } = this.#queries
    const text = /* sql */ `with counted as (
        select * from ${s}.count_units(case when $2::boolean then array[$1::bigint] end, ${s}.store_time($3::double precision))
      ) select ${metaJson}::${TEXT}, ${s}.work_ms(next_continuous),
        (select pg_catalog.sum(count) filter (where status ${EQ} 'available') from counted)::double precision,
        (select pg_catalog.sum(count) filter (where status ${EQ} 'pending') from counted)::double precision
      from ${s}.work_specs where id ${EQ} $1::bigint`
    type Row = [string, number | null, number | null, number | null]
    const row = await this.#queries.row<Row>(WHAT, text, [id, withCounts, this.#queries.now])
    const [meta, nextContinuous, available, pending] = row
    return {
      ...(JSON.parse(meta) as DerivedMeta),
      nextContinuous: nextContinuous === null ? undefined : new Date(nextContinuous),
      availableCount: available ?? 0,
      pendingCount: pending ?? 0,
    }
  }

  async setMeta(id: Id, change: MetaChange): Promise<void> {
    const given = metaParameters(4)
    const changed = metaColumns.map((column, at) => /* sql */ `coalesce(${given[at]}, ${column})`)
    const continuous = /* sql */ `(${changed[metaColumns.indexOf('continuous')]} and can_be_continuous)`
    const text = /* sql */ `update ${this.#queries.s}.work_specs set (${columns}, next_continuous, continuous_since) = row(
        ${metaColumns.map((column, at) => (column === 'continuous' ? continuous : changed[at])).join(', ')},
        case when $2::boolean then ${timeOf('$3')} else next_continuous end,
        case when not $2::boolean then continuous_since end
      ) where id ${EQ} $1::bigint returning id`
    const next = ['nextContinuous' in change, change.nextContinuous?.getTime() ?? null]
    await this.#queries.row(WHAT, text, [id, ...next, ...metaValues(change)])
  }

  async summarize(id: Id): Promise<SummaryRow[]> {
    const { s } = this.#queries
    await existing(this.#queries, 'work_specs', WHAT, id)
    const text = /* sql */ `select n.name, s.name, c.status, c.count::double precision
      from ${s}.count_units(array[$1::bigint], ${s}.store_time($2::double precision)) as c
      join ${s}.work_specs as s on s.id ${EQ} c.spec join ${s}.work_namespaces as n on n.id ${EQ} s.namespace
      order by ${statusOrder}`
    return summaryRows(await this.#queries.rows(text, [id, this.#queries.now]))
  }
}
