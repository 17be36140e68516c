import { chainedUnits } from '../../coordinate/chained-units.ts'
import type { AttemptEnd, AttemptStore, Id, AttemptRow } from '../../coordinate/coordinate-store.ts'
import type { Data } from '../../coordinate/data.ts'
import { ErrGone, ErrNotPending, attemptLost } from '../../coordinate/errors.ts'
import type { SchedulerRequest } from '../../coordinate/scheduler.ts'
import { TEXT, TEXTS } from '../database/qualified.ts'
import { plainArray, textArray } from '../statements/array-literal.ts'
import { ExpiryCheck } from '../statements/expiry-check.ts'
import { existing } from './namespaces.ts'
import type { Queries } from './queries.ts'
import { withoutNulls } from './units.ts'

const WHAT = 'the attempt'
const CALLS = { finished: 'finish', failed: 'fail', retryable: 'retry' } as const

export class Attempts implements AttemptStore {
  readonly #queries: Queries
  readonly #expiryCheck = new ExpiryCheck()

  constructor(queries: Queries) {
    this.#queries = queries
  }

  async request(
    worker: Id,
    { workSpecs, runtimes, availableGb, units }: SchedulerRequest,
    lifetimeMs: number,
    random: number,
  ): Promise<AttemptRow[]> {
    const text = /* sql */ `select ${this.#queries.s}.request_attempts($1::bigint, $2::${TEXTS}, $3::${TEXTS}, $4::double precision,
      $5::integer, $6::double precision, $7::double precision, $8::boolean, $9::double precision)`
    const only = [workSpecs, runtimes].map((names) => (names === undefined ? null : textArray(names)))
    // Tests with their own clock expect the effects of time at once.
    const refresh = this.#queries.now !== null || this.#expiryCheck.isDue()
    const params = [
      worker,
      ...only,
      availableGb ?? null,
      units,
      lifetimeMs,
      random,
      refresh,
      this.#queries.now,
    ]
    const leased = await this.#queries.json<Leased | null>('the worker', text, params, {
      reserved: 'claims',
    })
    return leased === null ? [] : leased.attempts.map((one) => attemptRow(leased, one))
  }

  async make(worker: Id, unit: Id, lifetimeMs: number): Promise<AttemptRow> {
    await existing(this.#queries, 'work_workers', 'the worker', worker)
    const text = /* sql */ `select ${this.#queries.s}.make_attempt($1::bigint, $2::bigint, $3::double precision, $4::double precision)`
    const params = [worker, unit, lifetimeMs, this.#queries.now]
    const [attempt] = await this.#queries.json<AttemptRow[]>('the work unit', text, params)
    return withoutNulls(attempt!)
  }

  async get(id: Id): Promise<AttemptRow> {
    const { s } = this.#queries
    const text = /* sql */ `select (${s}.attempts_json(array[$1::bigint], ${s}.store_time($2::double precision)) operator(pg_catalog.->) 0)::${TEXT}`
    return withoutNulls(await this.#queries.json<AttemptRow>(WHAT, text, [id, this.#queries.now]))
  }

  async renew(id: Id, extendMs: number, data: Data | undefined): Promise<void> {
    const text = /* sql */ `select ${this.#queries.s}.renew_attempt($1::bigint, $2::double precision, $3::${TEXT}, $4::double precision)`
    const params = [id, extendMs, jsonOrNull(data), this.#queries.now]
    const [[result]] = (await this.#queries.rows(text, params, { reserved: 'renewals' })) as [[string | null]]
    throwUnlessNull(result, 'renew')
  }

  async expire(id: Id, data: Data | undefined): Promise<void> {
    const { s, channel } = this.#queries
    const text = /* sql */ `select ${s}.expire_attempt($1::bigint, $2::${TEXT}, $3::${TEXT}, $4::double precision)`
    const [[result]] = (await this.#queries.rows(text, [
      id,
      jsonOrNull(data),
      channel,
      this.#queries.now,
    ])) as [[string | null]]
    throwUnlessNull(result, 'expire')
  }

  async end(ends: readonly AttemptEnd[]): Promise<(Error | undefined)[]> {
    const results = await this.#end(ends)
    // Those that finish with their stored data, which may ask for units.
    const again = ends.flatMap((end, at) =>
      isData(results[at]) ? [{ at, end: { ...end, data: results[at] } }] : [],
    )
    if (again.length > 0) {
      const ended = await this.#end(again.map(({ end }) => end))
      for (const [nth, { at }] of again.entries()) results[at] = ended[nth] ?? null
    }
    return ends.map(({ status }, at) =>
      errorOf((results[at] as string | null | undefined) ?? null, CALLS[status]),
    )
  }

  /** For each: null, the reason why it can't end, or the data with which to end it. */
  #end(ends: readonly AttemptEnd[]): Promise<(string | Data | null)[]> {
    const { s, channel } = this.#queries
    const text = /* sql */ `select ${s}.end_attempts($1::${TEXT}::bigint[], $2::${TEXTS}, $3::${TEXTS}, $4::${TEXT}::double precision[],
      $5::${TEXT}::integer[], $6::${TEXTS}, $7::${TEXTS}, $8::${TEXT}::double precision[], $9::${TEXT}::double precision[], $10::${TEXT},
      $11::double precision)`
    return this.#queries.json(WHAT, text, [
      ...endColumns(ends),
      ...chainedColumns(ends),
      channel,
      this.#queries.now,
    ])
  }
}

/** What a request leased; shared fields once. */
interface Leased extends Pick<AttemptRow, 'spec' | 'worker' | 'startTime' | 'expirationTime' | 'lifetimeMs'> {
  readonly attempts: readonly [id: Id, unit: Id, name: string, data: Data][]
}

function attemptRow(
  { spec, worker, startTime, expirationTime, lifetimeMs }: Leased,
  [id, unit, name, data]: Leased['attempts'][number],
): AttemptRow {
  return {
    id,
    spec,
    unit: { id: unit, name },
    worker,
    status: 'pending',
    data,
    startTime,
    endTime: undefined,
    expirationTime,
    lifetimeMs,
    leftMs: lifetimeMs,
  }
}

function endColumns(ends: readonly AttemptEnd[]): unknown[] {
  return [
    plainArray(ends.map(({ id }) => id)),
    textArray(ends.map(({ status }) => status)),
    textArray(ends.map(({ data }) => (data === undefined ? undefined : JSON.stringify(data)))),
    plainArray(ends.map(({ delayMs }) => delayMs)),
  ]
}

/** The units that the data of finished attempts asks for, with the index of the attempt, from 1. */
function chainedColumns(ends: readonly AttemptEnd[]): unknown[] {
  const units = ends.flatMap(({ status, data }, at) =>
    status === 'finished' && data !== undefined
      ? chainedUnits(data).map((unit) => ({ ...unit, place: at + 1 }))
      : [],
  )
  return [
    plainArray(units.map(({ place }) => place)),
    textArray(units.map(({ name }) => name)),
    textArray(units.map(({ data }) => JSON.stringify(data))),
    plainArray(units.map(({ priority }) => priority)),
    plainArray(units.map(({ delayMs }) => delayMs)),
  ]
}

function isData(result: string | Data | null | undefined): result is Data {
  return typeof result === 'object' && result !== null
}

function jsonOrNull(data: Data | undefined): string | null {
  return data === undefined ? null : JSON.stringify(data)
}

function throwUnlessNull(result: string | null, call: string): void {
  const error = errorOf(result, call)
  if (error !== undefined) throw error
}

function errorOf(result: string | null, call: string): Error | undefined {
  if (result === null) return undefined
  if (result === 'gone') return new ErrGone(WHAT)
  if (result === 'lost') return attemptLost()
  return new ErrNotPending(call, result)
}
