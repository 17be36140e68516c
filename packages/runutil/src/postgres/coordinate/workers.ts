import type { Id, Named, AttemptRow, WorkerRow, WorkerStore } from '../../coordinate/coordinate-store.ts'
import { otherNamespace } from '../../coordinate/errors.ts'
import type { WorkerUpdate } from '../../coordinate/model.ts'
import { EQ, JSON_TYPE, TEXT, timeOf } from '../database/qualified.ts'
import { existing, namedRows } from './namespaces.ts'
import type { Queries } from './queries.ts'
import { withoutNulls } from './units.ts'

const WHAT = 'the worker'

export class Workers implements WorkerStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  async obtain(namespace: Id, name: string): Promise<Id> {
    const { s } = this.#queries
    const text = /* sql */ `insert into ${s}.work_workers (namespace, name, expiration, last_update)
      select n.id, $2::${TEXT}, t.now operator(pg_catalog.+) interval '15 min', t.now
      from ${s}.work_namespaces as n, (select ${s}.store_time($3::double precision) as now) as t where n.id ${EQ} $1::bigint
      on conflict (namespace, name) do update set name = excluded.name returning id`
    return Number(
      (await this.#queries.row<[string]>('the namespace', text, [namespace, name, this.#queries.now]))[0],
    )
  }

  async all(namespace: Id): Promise<Named[]> {
    await existing(this.#queries, 'work_namespaces', 'the namespace', namespace)
    const text = /* sql */ `select id, name from ${this.#queries.s}.work_workers where namespace ${EQ} $1::bigint order by name`
    return namedRows(await this.#queries.rows(text, [namespace]))
  }

  async get(id: Id): Promise<WorkerRow> {
    const { s } = this.#queries
    const text = /* sql */ `select pg_catalog.json_build_object('id', w.id, 'name', w.name, 'active', w.active, 'mode', w.mode, 'data', w.data,
        'expiration', ${s}.work_ms(w.expiration), 'lastUpdate', ${s}.work_ms(w.last_update),
        'parent', case when p.id is not null then pg_catalog.json_build_object('id', p.id, 'name', p.name) end)::${TEXT}
      from ${s}.work_workers as w left join ${s}.work_workers as p on p.id ${EQ} w.parent where w.id ${EQ} $1::bigint`
    const worker = await this.#queries.json<WorkerRow & { parent: Named | null }>(WHAT, text, [id])
    return { ...worker, parent: worker.parent ?? undefined }
  }

  async setParent(id: Id, parent: Id | undefined): Promise<void> {
    if (parent === undefined) return this.#update(/* sql */ `set parent = null`, [id])
    const { s } = this.#queries
    await existing(this.#queries, 'work_workers', WHAT, parent)
    const text = /* sql */ `update ${s}.work_workers as w
      set parent = case when p.namespace ${EQ} w.namespace then p.id else w.parent end
      from ${s}.work_workers as p where w.id ${EQ} $1::bigint and p.id ${EQ} $2::bigint returning p.namespace ${EQ} w.namespace`
    const [isOwn] = await this.#queries.row<[boolean]>(WHAT, text, [id, parent])
    if (!isOwn) throw otherNamespace('setParent', 'a worker')
  }

  async children(id: Id): Promise<Named[]> {
    await existing(this.#queries, 'work_workers', WHAT, id)
    const text = /* sql */ `select id, name from ${this.#queries.s}.work_workers where parent ${EQ} $1::bigint order by name`
    return namedRows(await this.#queries.rows(text, [id]))
  }

  async update(id: Id, { data, now, expiration, mode }: WorkerUpdate): Promise<void> {
    const set = /* sql */ `set active = true, data = $2::${TEXT}::${JSON_TYPE}, mode = $3::${TEXT},
      last_update = ${timeOf('$4')}, expiration = ${timeOf('$5')}`
    await this.#update(set, [id, JSON.stringify(data), mode, now.getTime(), expiration.getTime()])
  }

  async deactivate(id: Id): Promise<void> {
    await this.#update(/* sql */ `set active = false`, [id])
  }

  async attempts(id: Id, of: 'itself' | 'children', which: 'active' | 'all'): Promise<AttemptRow[]> {
    const { s } = this.#queries
    await existing(this.#queries, 'work_workers', WHAT, id)
    const text = /* sql */ `select ${s}.worker_attempts($1::bigint, $2::boolean, $3::boolean,
      ${s}.store_time($4::double precision))::${TEXT}`
    const params = [id, of === 'children', which === 'all', this.#queries.now]
    // Asked for before attempts are renewed.
    const reserved = which === 'active' ? 'renewals' : undefined
    return (await this.#queries.json<AttemptRow[]>(WHAT, text, params, { reserved })).map(withoutNulls)
  }

  async #update(set: string, params: readonly unknown[]): Promise<void> {
    const text = /* sql */ `update ${this.#queries.s}.work_workers ${set} where id ${EQ} $1::bigint returning id`
    await this.#queries.row(WHAT, text, params, { reserved: 'renewals' })
  }
}
