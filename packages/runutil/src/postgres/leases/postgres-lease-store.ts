import { currentLogger } from '../../core/context.ts'
import { unexpected } from '../../core/errors.ts'
import { has } from '../../core/has.ts'
import { log } from '../../core/log.ts'
import { checkOptions, checkText } from '../../core/options.ts'
import type { LeaseAnswer, LeaseStore, LeaseTerms, LeaseUse, ListedLease } from '../../leases/lease-store.ts'
import type { Database } from '../database/database.ts'
import { EQ, GT, TEXT } from '../database/qualified.ts'
import { DEFAULT_SCHEMA } from '../schema/schema-name.ts'
import { leaseLimit } from '../statements/lease-limit.ts'
import { SchemaQueries } from '../statements/schema-queries.ts'

type AcquireRow = [
  fence: number | null,
  freeInMs: number,
  dueInMs: number,
  wasCut: boolean,
  text: string,
  version: number,
  nowMs: number,
  settledMs: number,
]

/** Options of a `PostgresLeaseStore`. */
export interface PostgresLeaseStoreOptions {
  /** Where `migrate` put the tables. Default 'runutil'. */
  schema?: string | undefined
}

/**
 * Leases in PostgreSQL or PGlite, by the database's time. Call `migrate(database)` first.
 *
 * @example
 * const leases = new PostgresLeaseStore(await openDatabase())
 * const worker = distributedRepeat(leases, 'invoices', '1d', sendInvoices)
 */
export class PostgresLeaseStore implements LeaseStore {
  readonly #queries: SchemaQueries
  readonly #acquire: string
  readonly #renew: string
  readonly #release: string
  readonly #list: string

  /** @throws InvalidArgumentError */
  constructor(database: Database, options: PostgresLeaseStoreOptions = {}) {
    const what = 'PostgresLeaseStore'
    const { schema = DEFAULT_SCHEMA } = checkOptions(what, options, ['schema'])
    if (!has(database, 'transaction')) throw unexpected(what, 'what openDatabase() resolves with', database)
    this.#queries = new SchemaQueries(database, schema, 'leases')
    const { s } = this.#queries
    this.#acquire = /* sql */ `select * from ${s}.acquire_lease($1::${TEXT}, $2::double precision, $3::double precision,
        $4::double precision, $5::${TEXT}, $6::double precision)`
    const held = /* sql */ `where name ${EQ} $1::${TEXT} and fence ${EQ} $2::bigint and expires is not null`
    const ms = /* sql */ `($3::double precision operator(pg_catalog.*) interval '1 ms')`
    const lasting = /* sql */ `${s}.store_time(null) operator(pg_catalog.+) ${ms}`
    this.#renew = /* sql */ `update ${s}.leases set expires = ${lasting}, lease_ms = $3::double precision ${held} returning 1`
    this.#release = /* sql */ `update ${s}.leases set expires = null,
        started = case when $3::${TEXT} ${EQ} 'unused' then null else started end,
        failed = case when $3::${TEXT} ${EQ} 'failed' then ${s}.store_time(null) else failed end,
        failures = case when $3::${TEXT} ${EQ} 'failed' then failures operator(pg_catalog.+) 1
          when $3::${TEXT} ${EQ} 'done' then 0 else failures end,
        settled_ms = case when $3::${TEXT} ${EQ} 'unused' then settled_ms else greatest(settled_ms, settles_ms) end ${held}`
    const ago = (at: string): string =>
      /* sql */ `pg_catalog.date_part('epoch', now operator(pg_catalog.-) ${at}) operator(pg_catalog.*) 1000`
    this.#list = /* sql */ `select name, fence::double precision, 0 operator(pg_catalog.-) ${ago('expires')}, ${ago('started')}
      from ${s}.leases, ${s}.store_time(null) now where fence ${GT} 0
      order by expires is null, name limit $1::integer`
  }

  async acquire(name: string, { leaseMs, everyMs, instantMs, schedule }: LeaseTerms): Promise<LeaseAnswer> {
    checkText(name, 'acquire: name')
    const terms = [everyMs ?? null, instantMs ?? null, schedule?.text ?? null, schedule?.version ?? null]
    const [row] = await this.#queries.rows<AcquireRow>(this.#acquire, [name, leaseMs, ...terms], {
      limitMs: leaseLimit(leaseMs),
      reserved: 'claims',
    })
    const [fence, freeInMs, dueInMs, wasCut, text, version, nowMs, settledMs] = row!
    if (wasCut)
      log(currentLogger(), 'warn', {}, `the database's clock was set back: lease ${name} counts from now on`)
    const known = schedule && { text, version, nowMs, settledMs }
    if (fence === null) return { kind: 'refused', freeInMs, dueInMs, schedule: known }
    return { kind: 'acquired', fence, schedule: known }
  }

  async renew(name: string, fence: number, leaseMs: number): Promise<boolean> {
    const options = { limitMs: leaseLimit(leaseMs), reserved: 'renewals' } as const
    return (await this.#queries.rows(this.#renew, [name, fence, leaseMs], options)).length > 0
  }

  async release(name: string, fence: number, use: LeaseUse): Promise<void> {
    await this.#queries.rows(this.#release, [name, fence, use], { reserved: 'renewals' })
  }

  async list(most: number): Promise<ListedLease[]> {
    const rows = await this.#queries.rows<[string, number, number | null, number | null]>(this.#list, [most])
    return rows.map(([name, fence, expiresInMs, acquiredAgoMs]) => ({
      name,
      fence,
      ...(expiresInMs !== null && { expiresInMs: Math.max(0, expiresInMs) }),
      ...(acquiredAgoMs !== null && { acquiredAgoMs: Math.max(0, acquiredAgoMs) }),
    }))
  }
}
