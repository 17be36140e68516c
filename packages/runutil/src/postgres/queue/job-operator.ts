import type { Clock } from '../../core/clock.ts'
import type { CancelOptions, JobChange, JobRetry, RetriedJob } from '../../queue/job-operations.ts'
import { textArray, unlessSame } from '../statements/array-literal.ts'
import { chunksOf } from '../statements/in-chunks.ts'
import type { SchemaQueries } from '../statements/schema-queries.ts'
import type { JobStatements } from './job-statements.ts'

/** Jobs per statement. */
const CHUNK = 500

export interface JobOperatorProps {
  readonly queries: SchemaQueries
  readonly statements: JobStatements
  readonly channel: string
  /** Where all times come from; undefined: the database's own clock. */
  readonly clock: Clock | undefined
}

/** What a statement for many jobs has done. */
interface Done<T> {
  readonly done: readonly T[]
  /** The jobs that others had locked, as a JSON list of ids. */
  readonly busy: string
}

interface Named {
  readonly id: string
  readonly payload?: string | undefined
}

/**
 * The calls of an operator. Of many jobs, a statement leaves out those that others have locked, so that it never waits for one while
 * it holds 499; those are then asked for one by one.
 */
export class JobOperator {
  readonly #props: JobOperatorProps

  constructor(props: JobOperatorProps) {
    this.#props = props
  }

  async cancel(id: string): Promise<boolean> {
    const { queries, statements } = this.#props
    const [row] = await queries.run<[boolean]>(statements.cancel, [id, this.#now()])
    return row![0]
  }

  async retryNow(id: string): Promise<boolean> {
    const { queries, statements, channel } = this.#props
    const [row] = await queries.run<[boolean]>(statements.retry, [id, channel, this.#now()])
    return row![0]
  }

  async cancelJobs(ids: readonly string[], { onlyWaiting = false }: CancelOptions = {}): Promise<number> {
    const { queries, statements } = this.#props
    const counts = await inParts(asJobs(ids), async (jobs, waits) => {
      const params = [textArray(idsOf(jobs)), onlyWaiting, waits, this.#now()]
      const [row] = await queries.run<[number, string]>(statements.cancelJobs, params)
      return { done: [row![0]], busy: row![1] }
    })
    return sum(counts)
  }

  async deleteJobs(ids: readonly string[]): Promise<number> {
    const { queries, statements } = this.#props
    const counts = await inParts(asJobs(ids), async (jobs, waits) => {
      const params = [textArray(idsOf(jobs)), waits, this.#now()]
      const [row] = await queries.run<[number, string]>(statements.deleteJobs, params)
      return { done: [row![0]], busy: row![1] }
    })
    return sum(counts)
  }

  async retryJobs(retries: readonly JobRetry[]): Promise<RetriedJob[]> {
    const { queries, statements, channel } = this.#props
    return inParts(retries, async (jobs, waits) => {
      const payloads = jobs.map(({ payload }) => payload)
      const changes = payloads.every((payload) => payload === undefined)
        ? '{}'
        : unlessSame(payloads, textArray)
      const params = [textArray(idsOf(jobs)), changes, waits, channel, this.#now()]
      const [row] = await queries.run<[string | null, string | null, string]>(statements.retryJobs, params)
      const [ids, kinds, busy] = row!
      const kindOf = listOf(kinds)
      return { done: listOf(ids).map((id, at) => ({ id, kind: kindOf[at]! })), busy }
    })
  }

  async reschedule(id: string, { runAt, delayMs, priority, payload }: JobChange): Promise<boolean> {
    const { queries, statements, channel } = this.#props
    // A time in the past counts as now, also one that the database can't store.
    const at = runAt === undefined ? null : Math.max(0, runAt.getTime())
    const params = [id, at, delayMs ?? null, priority ?? null, payload ?? null, channel, this.#now()]
    const [row] = await queries.run<[boolean]>(statements.reschedule, params)
    return row![0]
  }

  /** Null: the database's time. */
  #now(): number | null {
    return this.#props.clock?.now() ?? null
  }
}

/** Calls with parts of a list, then with each busy job alone, waiting for it. @returns what all calls have done */
async function inParts<J extends Named, T>(
  jobs: readonly J[],
  call: (part: readonly J[], waits: boolean) => Promise<Done<T>>,
): Promise<T[]> {
  const all: T[] = []
  for (const part of chunksOf(jobs, CHUNK, ({ id, payload = '' }) => id.length + payload.length)) {
    const { done, busy } = await call(part, false)
    all.push(...done)
    const isBusy = new Set(listOf(busy))
    for (const job of part) if (isBusy.has(job.id)) all.push(...(await call([job], true)).done)
  }
  return all
}

function asJobs(ids: readonly string[]): Named[] {
  return ids.map((id) => ({ id }))
}

function idsOf(jobs: readonly Named[]): string[] {
  return jobs.map(({ id }) => id)
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

function listOf(json: string | null): string[] {
  return json === null ? [] : (JSON.parse(json) as string[])
}
