import type {
  AddedUnit,
  Id,
  Named,
  PriorityChange,
  AttemptRow,
  UnitRow,
  UnitSelection,
  UnitStore,
} from '../../coordinate/coordinate-store.ts'
import type { Data } from '../../coordinate/data.ts'
import type { WorkUnitStatus } from '../../coordinate/model.ts'
import { EQ, GT, TEXT, TEXTS, timeOf } from '../database/qualified.ts'
import { plainArray, textArray } from '../statements/array-literal.ts'
import { WakeUps } from '../statements/wake-ups.ts'
import { existing, namedRows } from './namespaces.ts'
import type { Queries } from './queries.ts'

const WHAT = 'the work unit'

export class Units implements UnitStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  async add(spec: Id, units: readonly AddedUnit[]): Promise<Id[]> {
    const { s, channel } = this.#queries
    const text = /* sql */ `select ${s}.add_work_units($1::bigint, $2::${TEXTS}, $3::${TEXTS}, $4::${TEXT}::double precision[],
      $5::${TEXT}::double precision[], $6::${TEXT}, $7::double precision)`
    const columns = [
      textArray(units.map(({ name }) => name)),
      textArray(units.map(({ data }) => JSON.stringify(data))),
      plainArray(units.map(({ priority }) => priority)),
      plainArray(units.map(({ notBefore }) => notBefore)),
    ]
    return this.#queries.json('the work spec', text, [spec, ...columns, channel, this.#queries.now])
  }

  async find(spec: Id, name: string): Promise<Id | undefined> {
    const { s } = this.#queries
    await existing(this.#queries, 'work_specs', 'the work spec', spec)
    const text = /* sql */ `select id, name from ${s}.work_units where spec ${EQ} $1::bigint and name ${EQ} $2::${TEXT}`
    return namedRows(await this.#queries.rows(text, [spec, name]))[0]?.id
  }

  async select(spec: Id, selection: UnitSelection): Promise<Named[]> {
    await existing(this.#queries, 'work_specs', 'the work spec', spec)
    const { call, params } = this.#selected(spec, selection)
    return namedRows(await this.#queries.rows(/* sql */ `select id, name from ${call} order by name`, params))
  }

  async count(spec: Id): Promise<Record<WorkUnitStatus, number>> {
    const { s } = this.#queries
    await existing(this.#queries, 'work_specs', 'the work spec', spec)
    const text = /* sql */ `select status, count::double precision from ${s}.count_units(array[$1::bigint], ${s}.store_time($2::double precision))`
    const rows = await this.#queries.rows<[WorkUnitStatus, number]>(text, [spec, this.#queries.now])
    return {
      available: 0,
      pending: 0,
      finished: 0,
      failed: 0,
      delayed: 0,
      ...Object.fromEntries(rows),
    }
  }

  async prioritise(spec: Id, selection: UnitSelection, change: PriorityChange): Promise<void> {
    const { s } = this.#queries
    await existing(this.#queries, 'work_specs', 'the work spec', spec)
    const { call, params } = this.#selected(spec, selection)
    const to =
      'to' in change
        ? /* sql */ `$7::double precision`
        : /* sql */ `priority operator(pg_catalog.+) $7::double precision`
    const text = /* sql */ `update ${s}.work_units as u set priority = ${to} where id ${EQ} any (select id from ${call}) and ${this.#stillMatches}`
    await this.#queries.rows(text, [...params, 'to' in change ? change.to : change.by])
  }

  async delete(spec: Id, selection: UnitSelection): Promise<number> {
    const { s } = this.#queries
    await existing(this.#queries, 'work_specs', 'the work spec', spec)
    const { call, params } = this.#selected(spec, selection)
    const text = /* sql */ `with gone as (
        delete from ${s}.work_units as u where id ${EQ} any (select id from ${call}) and ${this.#stillMatches} returning id)
      select pg_catalog.count(*)::double precision from gone`
    return (await this.#queries.row<[number]>(WHAT, text, params))[0]
  }

  async clear(spec: Id, selection: UnitSelection): Promise<number> {
    const { s, channel } = this.#queries
    const text = /* sql */ `select ${s}.clear_units($1::bigint, $2::${TEXTS}, $3::${TEXTS}, $4::${TEXT}, $5::bigint,
      $7::${TEXT}, $6::double precision)`
    const { params } = this.#selected(spec, selection)
    return (await this.#queries.row<[number]>('the work spec', text, [...params, channel]))[0]
  }

  async get(id: Id): Promise<UnitRow> {
    const { s } = this.#queries
    const text = /* sql */ `select pg_catalog.json_build_object('id', u.id, 'name', u.name, 'data', coalesce(u.attempt_data, u.data),
        'priority', u.priority, 'notBefore', ${s}.work_ms(u.not_before), 'numAttempts', u.attempts,
        'status', ${s}.unit_status(u.status, u.expires, u.not_before, t.now),
        'activeAttempt', ${s}.attempts_json(array[u.id], array[u.active], t.now) operator(pg_catalog.->) 0)::${TEXT}
      from (select ${s}.store_time($2::double precision) as now) as t, ${s}.work_units as u where u.id ${EQ} $1::bigint`
    type Row = UnitRow & { notBefore: number | null; activeAttempt: AttemptRow | null }
    const { notBefore, activeAttempt, ...unit } = await this.#queries.json<Row>(WHAT, text, [
      id,
      this.#queries.now,
    ])
    return {
      ...unit,
      notBefore: notBefore ?? undefined,
      activeAttempt: activeAttempt === null ? undefined : withoutNulls(activeAttempt),
    }
  }

  async setMeta(id: Id, priority: number, notBefore: number | undefined): Promise<void> {
    const { s, channel } = this.#queries
    const set = /* sql */ `set priority = $4::double precision, not_before = ${timeOf('$5')}, delayed_since = null,
      state = case when state operator(pg_catalog.<>) all (array['open', 'delayed']) then state
        when ${timeOf('$5')} ${GT} ${s}.store_time($3::double precision) then 'delayed' else 'open' end`
    await this.#open(set, [id, channel, this.#queries.now, priority, notBefore ?? null])
  }

  async setPriority(id: Id, priority: number): Promise<void> {
    const text = /* sql */ `update ${this.#queries.s}.work_units set priority = $2::double precision where id ${EQ} $1::bigint returning id`
    await this.#queries.row(WHAT, text, [id, priority])
  }

  async clearActiveAttempt(id: Id): Promise<void> {
    const { s, channel } = this.#queries
    const set = /* sql */ `set active = null, status = null, attempt_data = null, tries = 0,
      state = case when not_before ${GT} ${s}.store_time($3::double precision) then 'delayed' else 'open' end`
    await this.#open(set, [id, channel, this.#queries.now])
  }

  /** Changes a unit such that it may be available. */
  async #open(set: string, params: readonly unknown[]): Promise<void> {
    const { s } = this.#queries
    const text = /* sql */ `with opened as (update ${s}.work_units ${set} where id ${EQ} $1::bigint returning spec)
      select spec, ${s}.wake_specs(array[spec], $2::${TEXT}) from opened`
    await this.#queries.row(WHAT, text, params)
  }

  async attempts(id: Id): Promise<AttemptRow[]> {
    const { s } = this.#queries
    await existing(this.#queries, 'work_units', WHAT, id)
    const text = /* sql */ `select ${s}.unit_attempts($1::bigint, ${s}.store_time($2::double precision))::${TEXT}`
    return (await this.#queries.json<AttemptRow[]>(WHAT, text, [id, this.#queries.now])).map(withoutNulls)
  }

  async listen(namespace: Id, onReady: () => void): Promise<() => Promise<void>> {
    // '' after a reconnection: some may have been missed.
    const wakeUps = new WakeUps(onReady)
    await wakeUps.listen(this.#queries, this.#queries.channel, (of) => of === '' || of === `${namespace}`)
    return () => wakeUps.stop()
  }

  /** Asked of each row once it is locked: it may have changed since it was selected. Its name never does. */
  get #stillMatches(): string {
    const { s } = this.#queries
    return /* sql */ `($3::${TEXTS} is null or ${s}.unit_status(u.status, u.expires, u.not_before,
        ${s}.store_time($6::double precision)) ${EQ} any ($3::${TEXTS}))`
  }

  #selected(
    spec: Id,
    { names, statuses, previousName, limit }: UnitSelection,
  ): { call: string; params: unknown[] } {
    const { s } = this.#queries
    return {
      call: /* sql */ `${s}.select_units($1::bigint, $2::${TEXTS}, $3::${TEXTS}, $4::${TEXT}, $5::bigint,
        ${s}.store_time($6::double precision))`,
      params: [
        spec,
        names ? textArray(names) : null,
        statuses ? textArray(statuses) : null,
        previousName ?? null,
        limit === Infinity ? null : limit,
        this.#queries.now,
      ],
    }
  }
}

/** JSON has null where an attempt has no end. */
export function withoutNulls(attempt: AttemptRow & { data: Data }): AttemptRow {
  return { ...attempt, endTime: attempt.endTime ?? undefined }
}
