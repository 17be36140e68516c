import { CallBatcher } from '../../core/call-batcher.ts'
import type { TransactionHandle } from '../../core/queryable.ts'
import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import { ErrInvalidJob, ErrJobExists } from '../../queue/errors.ts'
import { circleError, unknownDependencies } from '../../queue/dependencies.ts'
import { EncodedForAnotherError, otherKindText } from '../../queue/existing-job.ts'
import type { InsertOptions, NewJob } from '../../queue/job-store.ts'
import type { Enqueued } from '../../queue/job.ts'
import { LINKED } from '../schema/1-queue/linked-outcomes.ts'
import { textArray } from '../statements/array-literal.ts'
import { chunksOf, inChunks } from '../statements/in-chunks.ts'
import { linkedJobColumns, newJobColumns, traceColumn } from './job-columns.ts'
import { CHUNK, LARGE, type JobInserterProps, payloadSize, weightOf } from './job-inserter.ts'
import { NO_NOTICE, type NoticeColumns } from './job-notifications.ts'
import type { LinkedJob } from './linked-job.ts'

/** Without traceparents. */
const PLAIN_COLUMNS = 20

type Call = readonly LinkedJob[]
type Outcome = (typeof LINKED)[keyof typeof LINKED]

/** What `enqueue_linked_jobs` returns of a job that wasn't stored. */
type OtherRow = readonly [
  place: number,
  outcome: Outcome,
  id: string,
  key: string | null,
  kind: string | null,
]
/** The rows of a call, with the places of its jobs from 0. */
type Others = ReadonlyMap<number, OtherRow>

/** Stores jobs that have unique keys or may be there already; see the SQL function. Small concurrent calls share a statement. */
export class LinkedJobInserter {
  readonly #props: JobInserterProps
  readonly #batches = new CallBatcher<Call, Others>((calls) => this.#insertMany(calls), {
    isCallError: (error) => !(error instanceof StoreUnavailableError),
  })

  constructor(props: JobInserterProps) {
    this.#props = props
  }

  async insert(jobs: readonly NewJob[], options: InsertOptions): Promise<Enqueued[]> {
    const { tx, onExists = 'fail', maxDelayMs } = options
    const call = jobs.map((job): LinkedJob => ({ job, onExists, maxDelayMs }))
    const others = await (tx === undefined ? this.#insert(call) : this.#insertIn(tx, call))
    refuse(call, others)
    return jobs.map(({ id }, at): Enqueued => {
      const other = others.get(at)
      return other === undefined
        ? { id, outcome: 'stored' }
        : { id: other[2], outcome: other[1] as Enqueued['outcome'] }
    })
  }

  async #insert(call: Call): Promise<Others> {
    if (call.length < LARGE) return this.#batches.call(call, weightOf(call.map(({ job }) => job)))
    return (await this.#insertMany([call]))[0]!
  }

  async #insertIn(tx: TransactionHandle, call: Call): Promise<Others> {
    const notice = this.#props.notifications.insertedIn(waitingOf(call))
    return this.#send(this.#columns(call, true, notice), tx)
  }

  async #insertMany(calls: readonly Call[]): Promise<Others[]> {
    const jobs = calls.flat()
    // A call with one job that can't be stored has changed nothing, so it needs no rolling back, which concerns all calls.
    const isAll = calls.some(({ length }) => length > 1)
    const { columns, failed } = this.#props.notifications.inserted(waitingOf(jobs))
    try {
      const others = await this.#insertAll(jobs, isAll, columns)
      // Rolled back for one of several calls: each is then tried without the others.
      if (isAll && calls.length > 1) refuse(jobs, others)
      return split(calls, others)
    } catch (error) {
      failed()
      throw error
    }
  }

  async #insertAll(jobs: Call, isAll: boolean, notice: NoticeColumns): Promise<Others> {
    const chunks = chunksOf(jobs, CHUNK, ({ job }) => payloadSize(job))
    if (chunks.length <= 1) return this.#send(this.#columns(jobs, isAll, notice))
    const others = new Map<number, OtherRow>()
    const { queries, statements } = this.#props
    await queries.transaction(async (tx) => {
      others.clear()
      let before = 0
      const blocked: string[] = []
      await inChunks(
        chunks,
        (chunk) => ({ chunk, columns: this.#columns(chunk, true, NO_NOTICE, false) }),
        async ({ chunk, columns }) => {
          const ofChunk = await this.#send(columns, tx)
          // Rolls the chunks before it back.
          refuse(chunk, ofChunk)
          for (const [at, other] of ofChunk) others.set(before + at, other)
          for (const [at, { job }] of chunk.entries()) {
            if (job.after !== undefined && !ofChunk.has(at)) blocked.push(job.id)
          }
          before += chunk.length
        },
      )
      await this.#block(blocked, tx)
      if (notice !== NO_NOTICE) await queries.run(statements.notify, notice, tx)
    })
    return others
  }

  /** Blocks jobs whose dependencies may be in any chunk. @throws ErrInvalidJob for those that don't exist */
  async #block(ids: readonly string[], tx: TransactionHandle): Promise<void> {
    const { queries, statements, clock } = this.#props
    for (let at = 0; at < ids.length; at += CHUNK) {
      const params = [textArray(ids.slice(at, at + CHUNK)), clock?.now() ?? null]
      const unknown = await queries.run<[string]>(statements.block, params, tx)
      if (unknown.length > 0) throw unknownDependencies(unknown.map(([id]) => id))
    }
  }

  /** @param blocks whether jobs are blocked by the same statement */
  #columns(jobs: Call, isAll: boolean, notice: NoticeColumns, blocks = true): unknown[] {
    const now = this.#props.clock?.now() ?? null
    const all = jobs.map(({ job }) => job)
    return [
      ...newJobColumns(all),
      ...linkedJobColumns(jobs),
      blocks,
      isAll,
      now,
      ...notice,
      ...traceColumn(all),
    ]
  }

  async #send(columns: unknown[], tx?: TransactionHandle): Promise<Others> {
    const { queries, statements } = this.#props
    const statement =
      columns.length > PLAIN_COLUMNS ? statements.enqueueLinkedTraced : statements.enqueueLinked
    const [row] = await queries.run<[string | null]>(statement, columns, tx)
    const others = JSON.parse(row![0] ?? '[]') as OtherRow[]
    refuseDependencies(others)
    return new Map(others.map((other) => [other[0] - 1, other]))
  }
}

/** Those that may be claimed at once; of the others, the store tells when they are unblocked. */
function waitingOf(call: Call): NewJob[] {
  return call.map(({ job }) => job).filter(({ after }) => after === undefined)
}

function split(calls: readonly Call[], others: Others): Others[] {
  if (others.size === 0) return calls.map(() => others)
  let before = 0
  return calls.map(({ length }) => {
    const ofCall = new Map<number, OtherRow>()
    for (let at = 0; at < length; at++) {
      const other = others.get(before + at)
      if (other !== undefined) ofCall.set(at, other)
    }
    before += length
    return ofCall
  })
}

/** @throws ErrJobExists, ErrInvalidJob, EncodedForAnotherError when a job can't be stored */
function refuse(call: Call, others: Others): void {
  if (others.size === 0) return
  const all = [...others].sort(([a], [b]) => a - b)
  const [at, other] = all.find(([, [, outcome]]) => outcome === LINKED.otherKind) ?? []
  if (at !== undefined) throw new ErrInvalidJob(otherKindText(call[at]!.job, other![4]!))
  const existing = all.filter(([, [, outcome]]) => outcome === LINKED.exists)
  if (existing.length > 0) {
    throw new ErrJobExists(
      existing.map(([, [, , id]]) => id),
      new Map(existing.flatMap(([, [, , id, key]]) => (key === null ? [] : [[id, key] as const]))),
    )
  }
  const encoded = all.filter(([, [, outcome]]) => outcome === LINKED.encodedForAnother)
  if (encoded.length > 0)
    throw new EncodedForAnotherError(new Map(encoded.map(([place, [, , id]]) => [place, id])))
}

/** @throws ErrInvalidJob */
function refuseDependencies(others: readonly OtherRow[]): void {
  const unknown = others.filter(([, outcome]) => outcome === LINKED.unknown)
  if (unknown.length > 0) throw unknownDependencies(unknown.map(([, , id]) => id))
  if (others[0]?.[1] === LINKED.circle) throw circleError()
}
