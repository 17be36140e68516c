import { randomUUID } from 'node:crypto'
import { systemClock } from '../../core/clock-system.ts'
import { currentLogger } from '../../core/context.ts'
import { log } from '../../core/log.ts'
import { OutageLog } from '../../core/outage-log.ts'
import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import { sleep } from '../../core/wait.ts'
import type { TaskExchange, WorkerInfo, WorkerRegistration } from '../../dispatch/task-exchange.ts'
import { workerKey } from '../../dispatch/worker-key.ts'
import { EQ, GT, TEXT } from '../database/qualified.ts'
import { leaseLimit } from '../statements/lease-limit.ts'
import type { SchemaQueries } from '../statements/schema-queries.ts'
import { RegisteredWorker } from './registered-worker.ts'
import { WorkerWakeUps } from './worker-wake-ups.ts'

const POLL_MS = 1_000

/** A registration of this process that has ended. */
interface Previous {
  readonly id: number
  readonly fence: number
  /** The action whose task it was given last. */
  readonly last: string | undefined
}

/** Live workers in the database. A worker's row is a lease, by the database's time. */
export class PostgresTaskExchange implements TaskExchange {
  readonly #queries: SchemaQueries
  readonly #leaseMs: number
  readonly #wakeUps: WorkerWakeUps
  /** Registrations that the database is being asked for, by operation and target. */
  readonly #registering = new Map<string, Promise<unknown>>()
  /** The workers of this process that take tasks, by operation and target. */
  readonly #here = new Map<string, RegisteredWorker>()
  /** By operation and target. */
  readonly #previous = new Map<string, Previous>()
  /** Those of all processes that took tasks when `present` was last called, by operation. */
  readonly #seen = new Map<string, readonly WorkerInfo[]>()
  /** Workers closed in this process. */
  #closed = 0

  constructor(queries: SchemaQueries, leaseMs: number) {
    this.#queries = queries
    this.#leaseMs = leaseMs
    this.#wakeUps = new WorkerWakeUps(queries, leaseMs)
  }

  async register(worker: WorkerInfo, signal: AbortSignal): Promise<WorkerRegistration> {
    const owner = randomUUID()
    const outage = new OutageLog(`register the worker for target ${worker.target}`)
    for (;;) {
      signal.throwIfAborted()
      try {
        const registration = await this.#tracked(worker, this.#tryToRegister(worker, owner))
        outage.succeeded()
        if (registration !== undefined) return registration
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error
        outage.failed(error)
      }
      await sleep(systemClock, POLL_MS, signal)
    }
  }

  /** So that `find` can wait for it. */
  async #tracked<T>(worker: WorkerInfo, registering: Promise<T>): Promise<T> {
    const key = workerKey(worker)
    this.#registering.set(key, registering)
    try {
      return await registering
    } finally {
      if (this.#registering.get(key) === registering) this.#registering.delete(key)
    }
  }

  /** Undefined while another process has one for the target. */
  async #tryToRegister(worker: WorkerInfo, owner: string): Promise<WorkerRegistration | undefined> {
    const key = workerKey(worker)
    const askedAt = systemClock.elapsed()
    const [id, fence] = await this.#askFor(worker, owner, this.#previous.get(key))
    if (id === null) return undefined
    const registered: RegisteredWorker = new RegisteredWorker({
      queries: this.#queries,
      wakeUps: this.#wakeUps,
      worker,
      id,
      fence,
      leaseMs: this.#leaseMs,
      askedAt,
      onClosed: (last) => {
        this.#previous.set(key, { id, fence, last })
        this.#forget(registered)
      },
    })
    this.#here.set(key, registered)
    return registered
  }

  async #askFor(
    { operation, target, host, exclusive }: WorkerInfo,
    owner: string,
    previous: Previous | undefined,
  ): Promise<[id: number | null, fence: number]> {
    const leaseMs = this.#leaseMs
    const text = /* sql */ `select p_id::double precision, p_fence::double precision from ${this.#queries.s}.register_worker(
      $1::${TEXT}, $2::${TEXT}, $3::${TEXT}, $4::${TEXT}, $5::double precision, $6::boolean, $7::bigint, $8::bigint,
      $9::${TEXT})`
    const before = [previous?.id ?? null, previous?.fence ?? null, previous?.last ?? null]
    const params = [operation, target, host, owner, leaseMs, exclusive === true, ...before]
    const options = { limitMs: leaseLimit(leaseMs), reserved: 'claims' } as const
    const [row] = await this.#queries.rows<[number | null, number]>(text, params, options)
    return row!
  }

  #forget(worker: RegisteredWorker): void {
    const { operation, target, host } = worker.info
    this.#closed++
    const key = workerKey(worker.info)
    if (this.#here.get(key) === worker) this.#here.delete(key)
    const seen = this.#seen.get(operation) ?? []
    this.#seen.set(
      operation,
      seen.filter((other) => other.target !== target || other.host !== host),
    )
  }

  async find(operation: string, target: string): Promise<WorkerInfo | undefined> {
    await this.#registering.get(workerKey({ operation, target }))?.catch(() => {})
    const here = this.workerHere({ operation, target })
    if (here !== undefined) return here.info
    const text = /* sql */ `select host, exclusive from ${this.#queries.s}.live_workers
      where operation ${EQ} $1::${TEXT} and target ${EQ} $2::${TEXT} and not closing and expires ${GT} pg_catalog.clock_timestamp()`
    const [row] = await this.#queries.rows<[string, boolean]>(text, [operation, target])
    if (row === undefined) return undefined
    const [host, exclusive] = row
    return exclusive ? { operation, host, target, exclusive } : { operation, host, target }
  }

  /** The worker of this process that takes the tasks of a target. */
  workerHere({ operation, target }: Pick<WorkerInfo, 'operation' | 'target'>): RegisteredWorker | undefined {
    const worker = this.#here.get(workerKey({ operation, target }))
    return worker?.isLive === true ? worker : undefined
  }

  async present(operation: string): Promise<readonly WorkerInfo[]> {
    const closedBefore = this.#closed
    const text = /* sql */ `select host, target, closing, cut from ${this.#queries.s}.present_workers($1::${TEXT})`
    type Row = [host: string, target: string, closing: boolean, cut: number]
    const rows = await this.#queries.rows<Row>(text, [operation])
    warnOfCutLeases(operation, rows[0]?.[3] ?? 0)
    const infoOf = ([host, target]: Row): WorkerInfo => ({ operation, host, target })
    // A worker that has closed since the question must not come back by the answer.
    if (closedBefore === this.#closed) {
      this.#seen.set(operation, rows.filter(([, , closing]) => !closing).map(infoOf))
    }
    return rows.map(infoOf)
  }

  known(operation: string): readonly WorkerInfo[] {
    const here = Array.from(this.#here.values(), ({ info }) => info).filter(
      (worker) => worker.operation === operation,
    )
    const targets = new Set(here.map(({ target }) => target))
    return [...here, ...(this.#seen.get(operation) ?? []).filter(({ target }) => !targets.has(target))]
  }
}

function warnOfCutLeases(operation: string, cut: number): void {
  if (cut === 0) return
  const message = `the database's clock was set back: workers of ${operation} whose leases were cut: ${cut}`
  log(currentLogger(), 'warn', {}, message)
}
