import { unexpected } from '../../core/errors.ts'
import { has } from '../../core/has.ts'
import { checkOptions } from '../../core/options.ts'
import { asciiText, storableText } from '../../core/text.ts'
import type {
  Command,
  CommandOutcome,
  NewCommand,
  Replica,
  ReplicaBeat,
  ReplicaStore,
  UnknownOutcome,
} from '../../ops/replicas/replica-store.ts'
import type { Database, StatementOptions } from '../database/database.ts'
import { EQ, JSON_TYPE, TEXT, msOf, timeOf } from '../database/qualified.ts'
import { DEFAULT_SCHEMA } from '../schema/schema-name.ts'
import { SchemaQueries } from '../statements/schema-queries.ts'

/** By then a process that beats would soon be taken for lost. */
const LIMIT: StatementOptions = { limitMs: 5_000 }
/** Goes on while the caller holds all pooled connections: what is seen then is what matters. */
const RESERVED: StatementOptions = { ...LIMIT, reserved: 'renewals' }

/** Options of a `PostgresReplicaStore`. */
export interface PostgresReplicaStoreOptions {
  /** Where `migrate` put the tables. Default 'runutil'. */
  schema?: string | undefined
}

type ReplicaRow = [
  id: string,
  name: string,
  host: string,
  pid: number,
  version: string,
  startedMs: number,
  ageMs: number,
  lost: boolean,
]

/**
 * The processes of a program, in PostgreSQL or PGlite, by the database's time. Call `migrate(database)` first.
 *
 * @example
 * const replicas = new PostgresReplicaStore(await openDatabase())
 * const ops = new OpsServer({ replicas })
 */
export class PostgresReplicaStore implements ReplicaStore {
  readonly #queries: SchemaQueries
  readonly #texts: ReturnType<typeof textsIn>

  /** @throws InvalidArgumentError */
  constructor(database: Database, options: PostgresReplicaStoreOptions = {}) {
    const what = 'PostgresReplicaStore'
    const { schema = DEFAULT_SCHEMA } = checkOptions(what, options, ['schema'])
    if (!has(database, 'transaction')) throw unexpected(what, 'what openDatabase() resolves with', database)
    this.#queries = new SchemaQueries(database, schema, 'replicas')
    this.#texts = textsIn(this.#queries.s)
  }

  async beat({ id, name, host, pid, version, startedAt, state }: ReplicaBeat): Promise<Command[]> {
    const facts = [id, storableText(name), storableText(host), pid, version, startedAt.getTime()]
    type Row = [id: string, command: string, by: string]
    const rows = await this.#queries.rows<Row>(this.#texts.beat, [...facts, jsonOf(state)], RESERVED)
    return rows.map(([command, text, by]) => ({ id: command, command: JSON.parse(text) as unknown, by }))
  }

  async leave(id: string): Promise<void> {
    await this.#queries.rows(this.#texts.leave, [id], RESERVED)
  }

  async list(): Promise<Replica[]> {
    const rows = await this.#queries.rows<ReplicaRow>(this.#texts.list, [], LIMIT)
    return rows.map(([id, name, host, pid, version, startedMs, ageMs, lost]) => {
      return { id, name, host, pid, version, startedAt: new Date(startedMs), ageMs, lost }
    })
  }

  async state(id: string): Promise<{ readonly state: unknown; readonly ageMs: number } | undefined> {
    const [row] = await this.#queries.rows<[string, number]>(this.#texts.state, [id], LIMIT)
    return row && { state: JSON.parse(row[0]) as unknown, ageMs: row[1] }
  }

  async send({ id, replica, command, by }: NewCommand): Promise<boolean> {
    const params = [id, replica, jsonOf(command), storableText(by), this.#queries.channel]
    const [row] = await this.#queries.rows<[boolean]>(this.#texts.send, params, LIMIT)
    return row![0]
  }

  async outcome(id: string): Promise<CommandOutcome | UnknownOutcome> {
    type Row = [status: number | null, body: string | null, unknown: UnknownOutcome | null]
    const [row] = await this.#queries.rows<Row>(this.#texts.outcome, [id], LIMIT)
    const [status, body, unknown] = row!
    return unknown ?? { status: status!, body: JSON.parse(body!) as unknown }
  }

  async settle(id: string, { status, body }: CommandOutcome): Promise<void> {
    await this.#queries.rows(this.#texts.settle, [id, status, jsonOf(body)], RESERVED)
  }

  /** Does nothing where the database doesn't listen, as PGlite over a pooler: commands then come with the next beat. */
  onCommand(id: string, listener: () => void): Promise<() => Promise<void>> {
    return this.#queries.listen(this.#queries.channel, (payload) => {
      // '' says that notifications may have been missed.
      if (payload === id || payload === '') listener()
    })
  }
}

function textsIn(s: string) {
  const started = timeOf('$6')
  const list = /* sql */ `id, name, host, pid, version, ${msOf('started')}, age_ms, lost`
  return {
    beat: /* sql */ `select id, command::${TEXT}, sender from ${s}.beat_replica($1::${TEXT}, $2::${TEXT}, $3::${TEXT},
      $4::integer, $5::${TEXT}, ${started}, $7::${JSON_TYPE})`,
    leave: /* sql */ `delete from ${s}.replicas where id ${EQ} $1::${TEXT}`,
    list: /* sql */ `select ${list} from ${s}.known_replicas()`,
    state: /* sql */ `select state::${TEXT}, age_ms from ${s}.known_replicas() where id ${EQ} $1::${TEXT}`,
    send: /* sql */ `select ${s}.send_command($1::${TEXT}, $2::${TEXT}, $3::${JSON_TYPE}, $4::${TEXT}, $5::${TEXT})`,
    outcome: /* sql */ `select p_status, p_body::${TEXT}, p_unknown from ${s}.command_outcome($1::${TEXT})`,
    settle: /* sql */ `update ${s}.commands set status = $2::integer, body = $3::${JSON_TYPE}
      where id ${EQ} $1::${TEXT} and status is null`,
  }
}

/** In ASCII, which each encoding of a database has; a document that is only stored may have any escapes. */
function jsonOf(value: unknown): string {
  return asciiText(JSON.stringify(value))
}
