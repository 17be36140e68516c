import type { Id, Named, Now, SpecStore } from '../../coordinate/coordinate-store.ts'
import type { MetaChange } from '../../coordinate/meta-change.ts'
import type { SummaryRow } from '../../coordinate/model.ts'
import {
  type DerivedMeta,
  type WorkSpecData,
  type WorkSpecMeta,
  taskIn,
} from '../../coordinate/work-spec-meta.ts'
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
      select id, $2::text, $3::text::json, $4::text, ${metaParameters(5).join(', ')} from ${s}.work_namespaces where id = $1::bigint
      on conflict (namespace, name) do update
        set data = excluded.data, task = excluded.task, (${columns}) = row(${metaColumns.map((column) => `excluded.${column}`).join(', ')})
      returning id`
    const params = [namespace, name, JSON.stringify(data), taskIn(data) ?? name, ...metaValues(meta)]
    return Number((await this.#queries.row<[string]>('the namespace', text, params))[0])
  }

  async find(namespace: Id, name: string): Promise<Id | undefined> {
    const { s } = this.#queries
    await existing(this.#queries, 'work_namespaces', 'the namespace', namespace)
    const text = /* sql */ `select id, name from ${s}.work_specs where namespace = $1::bigint and name = $2::text`
    return namedRows(await this.#queries.rows(text, [namespace, name]))[0]?.id
  }

  async all(namespace: Id): Promise<Named[]> {
    await existing(this.#queries, 'work_namespaces', 'the namespace', namespace)
    const text = /* sql */ `select id, name from ${this.#queries.s}.work_specs where namespace = $1::bigint order by name`
    return namedRows(await this.#queries.rows(text, [namespace]))
  }

  async destroy(id: Id): Promise<void> {
    const text = /* sql */ `delete from ${this.#queries.s}.work_specs where id = $1::bigint returning id`
    await this.#queries.row(WHAT, text, [id])
  }

  data(id: Id): Promise<WorkSpecData> {
    const text = /* sql */ `select data::text from ${this.#queries.s}.work_specs where id = $1::bigint`
    return this.#queries.json(WHAT, text, [id])
  }

  async setData(id: Id, data: WorkSpecData, meta: DerivedMeta): Promise<void> {
    const text = /* sql */ `update ${this.#queries.s}.work_specs
      set data = $2::text::json, task = coalesce($3::text, name), (${columns}) = row(${metaParameters(4).join(', ')})
      where id = $1::bigint returning id`
    await this.#queries.row(WHAT, text, [id, JSON.stringify(data), taskIn(data) ?? null, ...metaValues(meta)])
  }

  async meta(id: Id, withCounts: boolean, now: Now): Promise<WorkSpecMeta> {
    const { s } = this.#queries
    const text = /* sql */ `with counted as (
        select * from ${s}.count_units(case when $2::boolean then array[$1::bigint] end, ${s}.job_time($3::float8))
      ) select ${metaJson}::text, ${s}.work_ms(next_continuous),
        (select sum(count) filter (where status = 'available') from counted)::float8,
        (select sum(count) filter (where status = 'pending') from counted)::float8
      from ${s}.work_specs where id = $1::bigint`
    type Row = [string, number | null, number | null, number | null]
    const row = await this.#queries.row<Row>(WHAT, text, [id, withCounts, now ?? null])
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
    const changed = metaColumns.map((column, at) => `coalesce(${given[at]}, ${column})`)
    const continuous = `(${changed[metaColumns.indexOf('continuous')]} and can_be_continuous)`
    const text = /* sql */ `update ${this.#queries.s}.work_specs set (${columns}, next_continuous) = row(
        ${metaColumns.map((column, at) => (column === 'continuous' ? continuous : changed[at])).join(', ')},
        case when $2::boolean then to_timestamp($3::float8 / 1000.0) else next_continuous end
      ) where id = $1::bigint returning id`
    const next = ['nextContinuous' in change, change.nextContinuous?.getTime() ?? null]
    await this.#queries.row(WHAT, text, [id, ...next, ...metaValues(change)])
  }

  async summarize(id: Id, now: Now): Promise<SummaryRow[]> {
    const { s } = this.#queries
    await existing(this.#queries, 'work_specs', WHAT, id)
    const text = /* sql */ `select n.name, s.name, c.status, c.count::float8
      from ${s}.count_units(array[$1::bigint], ${s}.job_time($2::float8)) as c
      join ${s}.work_specs as s on s.id = c.spec join ${s}.work_namespaces as n on n.id = s.namespace
      order by ${statusOrder}`
    return summaryRows(await this.#queries.rows(text, [id, now ?? null]))
  }
}
