import { randomUUID } from 'node:crypto'
import { systemClock } from '../../core/clock-system.ts'
import { currentLogger } from '../../core/context.ts'
import { log } from '../../core/log.ts'
import { OutageLog } from '../../core/outage-log.ts'
import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import { sleep } from '../../core/wait.ts'
import type { Announcement, TaskExchange, WorkerInfo } from '../../dispatch/task-exchange.ts'
import { EQ, GT, TEXT } from '../database/qualified.ts'
import { leaseLimit } from '../statements/lease-limit.ts'
import type { StoreQueries } from '../statements/store-queries.ts'
import { AnnouncedWorker } from './announced-worker.ts'

const POLL_MS = 1_000

interface Before {
  readonly id: number
  readonly turn: number
  readonly last: string | undefined
}

/** Live workers in the database. A worker's row is a lease, by the database's time. */
export class PostgresTaskExchange implements TaskExchange {
  readonly #queries: StoreQueries
  readonly #leaseMs: number
  /** What is asked for right now, by operation and target. */
  readonly #asking = new Map<string, Promise<unknown>>()
  readonly #here = new Set<WorkerInfo>()
  /** What was before, by operation and target: it knows what it was given last. */
  readonly #before = new Map<string, Before>()
  /** As they were when last asked for, by operation. */
  readonly #seen = new Map<string, readonly WorkerInfo[]>()
  /** How many have closed here. */
  #closed = 0

  constructor(queries: StoreQueries, leaseMs: number) {
    this.#queries = queries
    this.#leaseMs = leaseMs
  }

  async announce(worker: WorkerInfo, signal: AbortSignal): Promise<Announcement> {
    const owner = randomUUID()
    const outage = new OutageLog(`register the worker for target ${worker.target}`)
    for (;;) {
      signal.throwIfAborted()
      try {
        const announced = await this.#askFor(worker, owner)
        outage.succeeded()
        if (announced !== undefined) return announced
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error
        outage.failed(error)
      }
      await sleep(systemClock, POLL_MS, signal)
    }
  }

  async #askFor(worker: WorkerInfo, owner: string): Promise<Announcement | undefined> {
    const key = keyOf(worker.operation, worker.target)
    const asking = this.#tryToAnnounce(worker, owner)
    this.#asking.set(key, asking)
    try {
      return await asking
    } finally {
      if (this.#asking.get(key) === asking) this.#asking.delete(key)
    }
  }

  /** Undefined while another process has one for the target. */
  async #tryToAnnounce(worker: WorkerInfo, owner: string): Promise<Announcement | undefined> {
    const { operation, target, host, exclusive = false } = worker
    const queries = this.#queries
    const leaseMs = this.#leaseMs
    const key = keyOf(operation, target)
    const { id: was = null, turn: wasTurn = null, last = null } = this.#before.get(key) ?? {}
    const text = /* sql */ `select p_id::double precision, p_turn::double precision from ${queries.s}.announce_worker(
      $1::${TEXT}, $2::${TEXT}, $3::${TEXT}, $4::${TEXT}, $5::double precision, $6::boolean, $7::bigint, $8::bigint,
      $9::${TEXT})`
    const askedAt = systemClock.elapsed()
    type Row = [number | null, number]
    const [row] = await queries.rows<Row>(
      text,
      [operation, target, host, owner, leaseMs, exclusive, was, wasTurn, last],
      { limitMs: leaseLimit(leaseMs), reserved: 'claims' },
    )
    const [id, turn] = row!
    if (id === null) return undefined
    this.#here.add(worker)
    const onClosed = (given: string | undefined): void => {
      this.#before.set(key, { id, turn, last: given })
      this.#forget(worker)
    }
    return new AnnouncedWorker({ queries, worker, id, turn, leaseMs, askedAt, onClosed })
  }

  #forget(worker: WorkerInfo): void {
    const { operation, target, host } = worker
    this.#closed++
    this.#here.delete(worker)
    const seen = this.#seen.get(operation) ?? []
    this.#seen.set(
      operation,
      seen.filter((other) => other.target !== target || other.host !== host),
    )
  }

  async find(operation: string, target: string): Promise<WorkerInfo | undefined> {
    await this.#asking.get(keyOf(operation, target))?.catch(() => {})
    const text = /* sql */ `select host, exclusive from ${this.#queries.s}.live_workers
      where operation ${EQ} $1::${TEXT} and target ${EQ} $2::${TEXT} and not closing and expires ${GT} pg_catalog.clock_timestamp()`
    const [row] = await this.#queries.rows<[string, boolean]>(text, [operation, target])
    return row && { operation, host: row[0], target, ...(row[1] && { exclusive: true }) }
  }

  async present(operation: string): Promise<readonly WorkerInfo[]> {
    const closed = this.#closed
    const text = /* sql */ `select host, target, closing, cut from ${this.#queries.s}.present_workers($1::${TEXT})`
    type Row = [host: string, target: string, closing: boolean, cut: number]
    const rows = await this.#queries.rows<Row>(text, [operation])
    const infoOf = ([host, target]: Row): WorkerInfo => ({ operation, host, target })
    const cut = rows[0]?.[3] ?? 0
    if (cut > 0) {
      log(
        currentLogger(),
        'warn',
        {},
        `the database's clock was set back: workers of ${operation} whose leases were cut: ${cut}`,
      )
    }
    // One that has closed meanwhile mustn't be back.
    if (closed === this.#closed)
      this.#seen.set(operation, rows.filter(([, , closing]) => !closing).map(infoOf))
    return rows.map(infoOf)
  }

  known(operation: string): readonly WorkerInfo[] {
    const here = [...this.#here].filter((worker) => worker.operation === operation)
    const targets = new Set(here.map(({ target }) => target))
    return [...here, ...(this.#seen.get(operation) ?? []).filter(({ target }) => !targets.has(target))]
  }
}

function keyOf(operation: string, target: string): string {
  return JSON.stringify([operation, target])
}
