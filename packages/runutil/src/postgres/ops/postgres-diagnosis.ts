import { currentClock } from '../../core/context.ts'
import { unexpected } from '../../core/errors.ts'
import { has } from '../../core/has.ts'
import { checkOptions } from '../../core/options.ts'
import { timeOrderedId } from '../../core/time-ordered-id.ts'
import { within } from '../../core/within.ts'
import type {
  DatabaseDiagnosis,
  DatabaseServer,
  OpenTransaction,
  SchemaState,
  TableRows,
} from '../../ops/doctor/database-diagnosis.ts'
import { VOID_AFTER_MS } from '../../ops/replicas/replica-store.ts'
import type { Database } from '../database/database.ts'
import { EQ, GT, TEXT, msOf } from '../database/qualified.ts'
import { RULES_TTL } from '../schema/1-queue/rules-ttl.ts'
import { appliedTo, tooNew } from '../schema/applied.ts'
import { checksumOf } from '../schema/migrate.ts'
import { migrations } from '../schema/migrations.ts'
import { DEFAULT_SCHEMA } from '../schema/schema-name.ts'
import { SchemaQueries } from '../statements/schema-queries.ts'

/** Shorter than what the doctor waits, so that a silent server is named as such. */
const LIMIT = { limitMs: 4_000 }
const MOST_TABLES = 20

/** Options of a `PostgresDiagnosis`. */
export interface PostgresDiagnosisOptions {
  /** Where `migrate` put the tables. Default 'runutil'. */
  schema?: string | undefined
}

/**
 * What the doctor asks of a PostgreSQL or PGlite, and of runutil's schema in it.
 *
 * @example
 * const findings = await doctor({ queue, database: new PostgresDiagnosis(database) })
 */
export class PostgresDiagnosis implements DatabaseDiagnosis {
  readonly kind: Database['kind']
  readonly listens: boolean
  readonly maxConnections: number | undefined
  readonly #database: Database
  readonly #schema: string
  readonly #queries: SchemaQueries
  readonly #texts: ReturnType<typeof textsIn>

  /** @throws InvalidArgumentError */
  constructor(database: Database, options: PostgresDiagnosisOptions = {}) {
    const what = 'PostgresDiagnosis'
    const { schema = DEFAULT_SCHEMA } = checkOptions(what, options, ['schema'])
    if (!has(database, 'transaction')) throw unexpected(what, 'what openDatabase() resolves with', database)
    this.kind = database.kind
    this.listens = database.listens
    this.maxConnections = database.maxConnections
    this.#database = database
    this.#schema = schema
    this.#queries = new SchemaQueries(database, schema, 'replicas')
    this.#texts = textsIn(this.#queries.s)
  }

  async ping(): Promise<void> {
    await this.#rows(/* sql */ `select 1`)
  }

  async server(): Promise<DatabaseServer> {
    type Row = [version: number, versionName: string, nowMs: number, maxConnections: number]
    const [row] = await this.#rows<Row>(this.#texts.server)
    const [version, versionName, nowMs, maxConnections] = row!
    return { version, versionName: versionName.split(' ')[0]!, nowMs, maxConnections }
  }

  async schema(): Promise<SchemaState> {
    const schema = this.#schema
    const ask = (text: string, params: readonly unknown[]): Promise<unknown[][]> =>
      this.#database.query({ text }, params, LIMIT)
    const applied = await appliedTo(ask, schema)
    const { checksums } = applied
    const missing = migrations.filter(({ number }) => !checksums.has(number))
    const changed = migrations.find((migration) => {
      return checksums.has(migration.number) && checksums.get(migration.number) !== checksumOf(migration)
    })
    const known = Math.max(...migrations.map(({ number }) => number))
    return {
      schema,
      missing: missing.map(({ name }) => name),
      changed: changed?.name,
      isTooNew: tooNew(schema, applied, known) !== undefined,
    }
  }

  async hears(limitMs: number): Promise<boolean> {
    const channel = `runutil doctor ${timeOrderedId()}`
    let onHeard = (): void => {}
    const heard = new Promise<void>((resolve) => (onHeard = resolve))
    const off = await this.#database.listen(channel, (payload) => {
      if (payload === 'heard') onHeard()
    })
    try {
      await this.#rows(/* sql */ `select pg_catalog.pg_notify($1::${TEXT}, 'heard')`, [channel])
      return await within(heard, limitMs, currentClock())
    } finally {
      await off()
    }
  }

  async oldestTransaction(): Promise<OpenTransaction | undefined> {
    type Row = [pid: number, application: string, state: string, ageMs: number]
    const [row] = await this.#rows<Row>(this.#texts.oldestTransaction)
    if (row === undefined) return undefined
    const [pid, application, state, ageMs] = row
    return { pid, application, state, ageMs }
  }

  async deadRows(): Promise<TableRows[]> {
    type Row = [table: string, dead: number, live: number]
    const rows = await this.#rows<Row>(this.#texts.deadRows, [this.#schema])
    return rows.map(([table, dead, live]) => ({ table, dead, live }))
  }

  async expiredClaims(): Promise<{ count: number; oldestMs: number }> {
    const [row] = await this.#rows<[count: number, oldestMs: number]>(this.#texts.expiredClaims)
    return { count: row![0], oldestMs: row![1] }
  }

  async retentionBehindMs(): Promise<number> {
    const [row] = await this.#rows<[number]>(this.#texts.retentionBehind)
    return row![0]
  }

  async kindsWithDifferentRules(): Promise<string[]> {
    return (await this.#rows<[string]>(this.#texts.differentRules)).map(([kind]) => kind)
  }

  async untakenCommands(): Promise<number> {
    const [row] = await this.#rows<[number]>(this.#texts.untakenCommands)
    return row![0]
  }

  #rows<Row extends unknown[]>(text: string, params: readonly unknown[] = []): Promise<Row[]> {
    return this.#queries.rows<Row>(text, params, LIMIT)
  }
}

function textsIn(s: string) {
  const count = /* sql */ `pg_catalog.count(*)::integer`
  /** How long ago; negative for what is to come. */
  const ago = (time: string, now = 'now'): string => msOf(`${now} operator(pg_catalog.-) ${time}`)
  const setting = (name: string): string => /* sql */ `pg_catalog.current_setting('${name}')`
  const now = 'pg_catalog.clock_timestamp()'
  const rules = /* sql */ `r.concurrency, r.key_concurrency, r.rate_limit, r.rate_per, r.done_kept, r.failed_kept`
  return {
    server: /* sql */ `select ${setting('server_version_num')}::integer, ${setting('server_version')}, ${msOf(now)},
      ${setting('max_connections')}::integer`,
    oldestTransaction: /* sql */ `select a.pid, coalesce(a.application_name, ''), coalesce(a.state, ''), ${ago('a.xact_start', now)}
      from pg_catalog.pg_stat_activity as a where a.xact_start is not null and a.backend_type ${EQ} 'client backend'
        and a.datname ${EQ} pg_catalog.current_database() and a.pid operator(pg_catalog.<>) pg_catalog.pg_backend_pid()
      order by a.xact_start limit 1`,
    deadRows: /* sql */ `select t.relname::${TEXT}, t.n_dead_tup::double precision, t.n_live_tup::double precision
      from pg_catalog.pg_stat_user_tables as t where t.schemaname ${EQ} $1::${TEXT}
      order by t.n_dead_tup desc limit ${MOST_TABLES}`,
    expiredClaims: /* sql */ `select ${count}, coalesce(pg_catalog.max(${ago('c.expires_at')}), 0)
      from ${s}.job_claims as c, ${s}.store_time(null) as now where now ${GT} c.expires_at`,
    retentionBehind: /* sql */ `select coalesce(pg_catalog.max(${ago('w.due_at')}), 0)
      from ${s}.job_sweeps as w, ${s}.store_time(null) as now where now ${GT} w.due_at`,
    differentRules: /* sql */ `select r.kind from ${s}.job_rules as r join ${s}.job_workers as w on w.worker ${EQ} r.worker
      where w.renewed_at ${GT} (${s}.store_time(null) operator(pg_catalog.-) ${RULES_TTL})
      group by r.kind having pg_catalog.count(distinct row(${rules})) ${GT} 1 order by r.kind`,
    untakenCommands: /* sql */ `select ${count} from ${s}.commands as c
      join ${s}.known_replicas() as r on r.id ${EQ} c.replica
      where not c.taken and c.status is null and not r.lost
        and (${s}.store_time(null) operator(pg_catalog.-) c.sent) ${GT} interval '${VOID_AFTER_MS} ms'`,
  }
}
