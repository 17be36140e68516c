import type {
  AttemptEnd,
  AttemptKey,
  AttemptStore,
  Id,
  Named,
  AttemptRow,
} from '../../coordinate/coordinate-store.ts'
import type { Data } from '../../coordinate/data.ts'
import { ErrGone, ErrNotPending, attemptLost, otherNamespace } from '../../coordinate/errors.ts'
import type { SchedulerRequest } from '../../coordinate/scheduler.ts'
import { TEXT } from '../database/qualified.ts'
import { existing } from './namespaces.ts'
import { type EndResult, type Leased, MergedCalls } from './merged-calls.ts'
import type { Queries } from './queries.ts'
import { withoutNulls } from './units.ts'

const WHAT = 'the attempt'
const CALLS = { finished: 'finish', failed: 'fail', retryable: 'retry' } as const

export class Attempts implements AttemptStore {
  readonly #queries: Queries
  readonly #merged: MergedCalls

  constructor(queries: Queries) {
    this.#queries = queries
    this.#merged = new MergedCalls(queries)
  }

  async request(
    worker: Named,
    request: SchedulerRequest,
    lifetimeMs: number,
    random: number,
  ): Promise<AttemptRow[]> {
    const leased = await this.#merged.request({ worker: worker.id, request, lifetimeMs, random })
    if (leased === 'gone') throw new ErrGone('the worker')
    return leased === null ? [] : leased.attempts.map((one) => attemptRow(worker, leased, one))
  }

  async make(worker: Id, unit: Id, lifetimeMs: number): Promise<AttemptRow> {
    await existing(this.#queries, 'work_workers', 'the worker', worker)
    const text = /* sql */ `select ${this.#queries.s}.make_attempt($1::bigint, $2::bigint, $3::double precision, $4::double precision)`
    const params = [worker, unit, lifetimeMs, this.#queries.now]
    const made = await this.#queries.json<AttemptRow[] | 'other'>('the work unit', text, params)
    if (made === 'other') throw otherNamespace('makeAttempt', 'a work unit')
    return withoutNulls(made[0]!)
  }

  async get({ id, unit }: AttemptKey): Promise<AttemptRow> {
    const { s } = this.#queries
    const text = /* sql */ `select (${s}.attempts_json(array[$2::bigint], array[$1::bigint],
      ${s}.store_time($3::double precision)) operator(pg_catalog.->) 0)::${TEXT}`
    return withoutNulls(await this.#queries.json<AttemptRow>(WHAT, text, [id, unit, this.#queries.now]))
  }

  async renew({ id, unit }: AttemptKey, extendMs: number, data: Data | undefined): Promise<void> {
    const text = /* sql */ `select ${this.#queries.s}.renew_attempt($1::bigint, $2::bigint, $3::double precision, $4::${TEXT}, $5::double precision)`
    const params = [id, unit, extendMs, jsonOrNull(data), this.#queries.now]
    const [[result]] = (await this.#queries.rows(text, params, { reserved: 'renewals' })) as [[string | null]]
    throwUnlessNull(result, 'renew')
  }

  async expire({ id, unit }: AttemptKey, data: Data | undefined): Promise<void> {
    const { s, channel } = this.#queries
    const text = /* sql */ `select ${s}.expire_attempt($1::bigint, $2::bigint, $3::${TEXT}, $4::${TEXT}, $5::double precision)`
    const [[result]] = (await this.#queries.rows(text, [
      id,
      unit,
      jsonOrNull(data),
      channel,
      this.#queries.now,
    ])) as [[string | null]]
    throwUnlessNull(result, 'expire')
  }

  async end(end: AttemptEnd): Promise<void> {
    let result = await this.#merged.end(end)
    // It finishes with its stored data, which may ask for units.
    if (isData(result)) result = await this.#merged.end({ ...end, data: result })
    throwUnlessNull(result as string | null, CALLS[end.status])
  }
}

function attemptRow(
  worker: Named,
  { spec, startTime, expirationTime, lifetimeMs }: Leased,
  [id, unit, name, data]: Leased['attempts'][number],
): AttemptRow {
  return {
    id,
    spec,
    unit: { id: unit, name },
    worker: { id: worker.id, name: worker.name },
    status: 'pending',
    data,
    startTime,
    endTime: undefined,
    expirationTime,
    lifetimeMs,
    leftMs: lifetimeMs,
  }
}

function isData(result: EndResult): result is Data {
  return typeof result === 'object' && result !== null
}

function jsonOrNull(data: Data | undefined): string | null {
  return data === undefined ? null : JSON.stringify(data)
}

function throwUnlessNull(result: string | null, call: string): void {
  if (result === null) return
  if (result === 'gone') throw new ErrGone(WHAT)
  if (result === 'lost') throw attemptLost()
  throw new ErrNotPending(call, result)
}
