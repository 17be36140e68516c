import { CallBatcher } from '../../core/call-batcher.ts'
import type { Clock } from '../../core/clock.ts'
import type { TransactionHandle } from '../../core/queryable.ts'
import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import { ErrJobExists } from '../../queue/errors.ts'
import type { NewJob } from '../../queue/job-store.ts'
import type { Enqueued } from '../../queue/job.ts'
import { textArray } from '../statements/array-literal.ts'
import { chunksOf, inChunks } from '../statements/in-chunks.ts'
import type { SchemaQueries } from '../statements/schema-queries.ts'
import { newJobColumns, traceColumn } from './job-columns.ts'
import { type JobNotifications, NO_NOTICE, type NoticeColumns } from './job-notifications.ts'
import type { JobStatements } from './job-statements.ts'

/** Rows per statement: few enough that the server uses the memory of the last one again, and stores one while the next is prepared. */
export const CHUNK = 2_000
/** A call with that many isn't merged with others. */
export const LARGE = 200
/** Without traceparents. */
const PLAIN_COLUMNS = 11

export interface JobInserterProps {
  readonly queries: SchemaQueries
  readonly statements: JobStatements
  readonly notifications: JobNotifications
  /** Where all times come from; undefined: the database's own clock. */
  readonly clock: Clock | undefined
}

/** Stores all jobs of a call or none. Small concurrent calls share a statement. */
export class JobInserter {
  readonly #props: JobInserterProps
  readonly #batches = new CallBatcher<readonly NewJob[], void>(
    async (calls) => void (await this.#insertMany(calls.flat())),
    { isCallError: (error) => !(error instanceof StoreUnavailableError) },
  )

  constructor(props: JobInserterProps) {
    this.#props = props
  }

  async insert(jobs: readonly NewJob[]): Promise<Enqueued[]> {
    if (jobs.length >= LARGE) return this.#insertMany(jobs)
    await this.#batches.call(jobs, weightOf(jobs))
    return jobs.map(stored)
  }

  /** Inserts in the caller's transaction. */
  async insertIn(tx: TransactionHandle, jobs: readonly NewJob[]): Promise<Enqueued[]> {
    await this.#insert(this.#columns(jobs, this.#props.notifications.insertedIn(jobs)), tx)
    return jobs.map(stored)
  }

  async #insertMany(jobs: readonly NewJob[]): Promise<Enqueued[]> {
    const chunks = chunksOf(jobs, CHUNK, payloadSize)
    const { columns, failed } = this.#props.notifications.inserted(jobs)
    try {
      if (chunks.length > 1) return await this.#insertChunks(jobs, chunks, columns)
      await this.#insert(this.#columns(jobs, columns))
      return jobs.map(stored)
    } catch (error) {
      failed()
      throw error
    }
  }

  /** Inserts a long list in one transaction, chunk by chunk. */
  async #insertChunks(
    jobs: readonly NewJob[],
    chunks: readonly (readonly NewJob[])[],
    notice: NoticeColumns,
  ): Promise<Enqueued[]> {
    try {
      return await this.#props.queries.transaction(async (tx) => {
        const enqueued: Enqueued[] = []
        await inChunks(
          chunks,
          (chunk, isLast) => {
            for (const job of chunk) enqueued.push(stored(job))
            return this.#columns(chunk, isLast ? notice : NO_NOTICE)
          },
          (columns) => this.#insert(columns, tx),
        )
        return enqueued
      })
    } catch (error) {
      // The error has only the ids of one chunk.
      throw error instanceof ErrJobExists ? new ErrJobExists(await this.#taken(jobs, error.ids)) : error
    }
  }

  async #taken(jobs: readonly NewJob[], known: readonly string[]): Promise<string[]> {
    const ids = textArray(jobs.map(({ id }) => id))
    const rows = await this.#props.queries.run<[string]>(this.#props.statements.taken, [ids])
    return [...new Set([...known, ...rows.map(([id]) => id)])]
  }

  #columns(jobs: readonly NewJob[], notice: NoticeColumns): unknown[] {
    return [...newJobColumns(jobs), this.#now(), ...notice, ...traceColumn(jobs)]
  }

  async #insert(columns: unknown[], tx?: TransactionHandle): Promise<void> {
    const { queries, statements } = this.#props
    const statement = columns.length > PLAIN_COLUMNS ? statements.enqueueTraced : statements.enqueue
    const [row] = await queries.run<[string | null]>(statement, columns, tx)
    const taken = row![0]
    if (taken !== null) throw new ErrJobExists(JSON.parse(taken) as string[])
  }

  /** Null: the database's time. */
  #now(): number | null {
    return this.#props.clock?.now() ?? null
  }
}

function stored({ id }: NewJob): Enqueued {
  return { id, outcome: 'stored' }
}

export function payloadSize({ payload }: NewJob): number {
  return payload.length
}

export function weightOf(jobs: readonly NewJob[]): number {
  return jobs.reduce((sum, job) => sum + payloadSize(job), 0)
}
