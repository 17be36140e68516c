import type { Id, Named, NamespaceStore, Pruned } from '../../coordinate/coordinate-store.ts'
import { ErrGone } from '../../coordinate/errors.ts'
import type { OpenUnits, SummaryRow, WorkUnitStatus } from '../../coordinate/model.ts'
import { EQ, TEXT } from '../database/qualified.ts'
import type { Queries } from './queries.ts'

/** Attempts examined per call to prune. */
const AT_ONCE = 1_000

export class Namespaces implements NamespaceStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  async obtain(name: string): Promise<Id> {
    const { s } = this.#queries
    const text = /* sql */ `insert into ${s}.work_namespaces (name) values ($1::${TEXT})
      on conflict (name) do update set name = excluded.name returning id`
    return Number((await this.#queries.row<[string]>('the namespace', text, [name]))[0])
  }

  async all(): Promise<Named[]> {
    return namedRows(
      await this.#queries.rows(
        /* sql */ `select id, name from ${this.#queries.s}.work_namespaces order by name`,
        [],
      ),
    )
  }

  async destroy(id: Id): Promise<void> {
    const text = /* sql */ `delete from ${this.#queries.s}.work_namespaces where id ${EQ} $1::bigint returning id`
    await this.#queries.row('the namespace', text, [id])
  }

  async summarize(id: Id | undefined): Promise<SummaryRow[]> {
    const { s } = this.#queries
    if (id !== undefined) await existing(this.#queries, 'work_namespaces', 'the namespace', id)
    const text = /* sql */ `select n.name, s.name, c.status, c.count::double precision from ${s}.work_namespaces as n
      join ${s}.work_specs as s on s.namespace ${EQ} n.id
      join ${s}.count_units(array(select id from ${s}.work_specs where $1::bigint is null or namespace ${EQ} $1),
        ${s}.store_time($2::double precision)) as c on c.spec ${EQ} s.id
      order by 1, 2, ${statusOrder}`
    return summaryRows(await this.#queries.rows(text, [id ?? null, this.#queries.now]))
  }

  async openUnits(): Promise<OpenUnits[]> {
    const { s } = this.#queries
    const text = /* sql */ `select namespace, name, p_available, p_pending, p_delayed
      from ${s}.open_units(${s}.store_time($1::double precision))`
    const rows = await this.#queries.rows<OpenColumns>(text, [this.#queries.now])
    return rows.map(([namespace, workSpec, available, pending, delayed]) => ({
      namespace,
      workSpec,
      available,
      pending,
      delayed: delayed ?? undefined,
    }))
  }

  async prune(id: Id, retentionMs: number, after: Id): Promise<Pruned> {
    const text = /* sql */ `select p_removed, p_next::double precision
      from ${this.#queries.s}.prune_work($1::bigint, $2::double precision, $3::bigint, $4::integer, $5::double precision)`
    const params = [id, retentionMs, after, AT_ONCE, this.#queries.now]
    type Row = [removed: number, next: number | null]
    const [removed, next] = await this.#queries.row<Row>('the namespace', text, params)
    return { removed, next: next ?? undefined }
  }
}

export const statusOrder = /* sql */ `pg_catalog.array_position(array['available', 'pending', 'finished', 'failed', 'delayed'], c.status)`

type OpenColumns = [
  namespace: string,
  workSpec: string,
  available: number,
  pending: number,
  delayed: number | null,
]

type SummaryColumns = [namespace: string, workSpec: string, status: string, count: number]

export function summaryRows(rows: SummaryColumns[]): SummaryRow[] {
  return rows.map(([namespace, workSpec, status, count]) => ({
    namespace,
    workSpec,
    count,
    status: status as WorkUnitStatus,
  }))
}

export function namedRows(rows: [id: string | number, name: string][]): Named[] {
  return rows.map(([id, name]) => ({ id: Number(id), name }))
}

/** @throws ErrGone */
export async function existing(queries: Queries, table: string, what: string, id: Id): Promise<void> {
  const rows = await queries.rows(/* sql */ `select 1 from ${queries.s}.${table} where id ${EQ} $1::bigint`, [
    id,
  ])
  if (rows.length === 0) throw new ErrGone(what)
}
