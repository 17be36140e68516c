import pg from 'pg'
import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import type { ResolvedLimits } from 'runutil/queue'
import { inject } from 'vitest'
import { jobStatements } from '../../../packages/runutil/src/postgres/queue/job-statements.ts'
import { createDatabase } from './create-database.ts'

const VALUES =
  `'{"a"}' 10 60000 false null 25 null null null 'jobs' null null null true null true null 0`.split(' ')

/** The kind 'a' on a database of its own, and what a claim of it costs. */
export class LimitedKind {
  readonly url: string
  readonly database: Database
  readonly client: pg.Client
  readonly store: PostgresJobStore

  static async open(): Promise<LimitedKind> {
    const url = await createDatabase(inject('postgresUrl'))
    const database = await openDatabase(url)
    await migrate(database)
    const client = new pg.Client(url)
    await client.connect()
    return new LimitedKind(url, database, client)
  }

  private constructor(url: string, database: Database, client: pg.Client) {
    this.url = url
    this.database = database
    this.client = client
    this.store = new PostgresJobStore(database)
  }

  async close(): Promise<void> {
    await this.client.end()
    await this.database.close()
  }

  async limitTo(limits: Partial<ResolvedLimits>): Promise<void> {
    const all = { concurrency: undefined, keyConcurrency: undefined, rate: undefined, ...limits }
    const retention = { doneMs: Infinity, failedMs: Infinity }
    await this.store.setRules('a worker', new Map([['a', { limits: all, retention }]]))
  }

  /**
   * Jobs that wait, in the order of their numbers.
   *
   * @param rows gives id, key and seq of each
   */
  async put(rows: string, priority = 0): Promise<void> {
    await this.client.query(`
      insert into runutil.jobs (id, kind, payload, run_at, priority, key, created_at, updated_at, seq)
        select id, 'a', 'null', '2000-01-01', ${priority}, key, now(), now(), seq from (${rows}) as given;
      insert into runutil.jobs_waiting (id, kind, run_at, due, priority, key, seq)
        select id, 'a', '2000-01-01', true, ${priority}, key, seq from (${rows}) as given`)
    await this.client.query('analyze runutil.jobs_waiting, runutil.jobs, runutil.job_slots')
  }

  /**
   * Jobs that run, each under a claim of its own.
   *
   * @param rows gives id, key and the number of the claim
   */
  async run(rows: string): Promise<void> {
    await this.client.query(`
      insert into runutil.jobs (id, kind, payload, run_at, priority, key, created_at, updated_at, seq)
        select id, 'a', 'null', '2000-01-01', 0, key, now(), now(), 0 from (${rows}) as given;
      insert into runutil.job_claims (claim, claimed_at, expires_at, lease, ids, seqs)
        select claim, now(), now() + interval '1 hour', 3600000, array[id], '{0}' from (${rows}) as given;
      insert into runutil.job_slots (id, claim, kind, key) select id, claim, 'a', key from (${rows}) as given`)
    await this.client.query('analyze runutil.job_slots')
  }

  async count(table: string): Promise<number> {
    const { rows } = await this.client.query<{ count: number }>(
      `select count(*)::integer as count from runutil.${table}`,
    )
    return rows[0]!.count
  }

  /** Pages looked at by a claim of ten, which is undone. */
  async pagesOfAClaim(): Promise<number> {
    const call = claimCall()
    await this.client.query('begin')
    // What a connection plans and looks up the first time isn't counted.
    await this.client.query(call)
    await this.client.query('rollback; begin')
    const { rows } = await this.client.query<{ 'QUERY PLAN': string }>(
      `explain (analyze, buffers, format text) ${call}`,
    )
    await this.client.query('rollback')
    const text = rows.map((row) => row['QUERY PLAN']).join('\n')
    const [, hit = 0, read = 0] = /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/.exec(text)!
    return Number(hit) + Number(read)
  }

  /** The entries that a claim of ten, which is undone, reads of an index. */
  async readByAClaim(index: 'job_slots_by_kind' | 'jobs_waiting_due'): Promise<number> {
    await this.client.query('begin')
    await this.client.query(claimCall())
    const { rows } = await this.client.query<{ read: string }>(
      `select pg_stat_get_xact_tuples_returned('runutil.${index}'::regclass) as read`,
    )
    await this.client.query('rollback')
    return Number(rows[0]!.read)
  }
}

const claimCall = (): string =>
  jobStatements('runutil').claim.text.replace(/\$(\d+)/g, (_, at: string) => VALUES[Number(at) - 1]!)
