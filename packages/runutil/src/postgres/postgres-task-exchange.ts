import { systemClock } from '../core/clock.ts'
import { currentLogger } from '../core/context.ts'
import { sleep } from '../core/wait.ts'
import type { Task } from '../dispatch/action.ts'
import { ErrNoWorker } from '../dispatch/errors.ts'
import type { Announcement, Posted, TaskExchange, WorkerInfo } from '../dispatch/task-exchange.ts'
import type { ActionQueries } from './action-queries.ts'
import { AnnouncedWorker } from './announced-worker.ts'
import { TakenTasks } from './taken-tasks.ts'

const POLL_MS = 1_000

/** Live workers and their tasks in the database. A worker's row is a lease, by the database's time. */
export class PostgresTaskExchange implements TaskExchange {
  readonly #queries: ActionQueries
  readonly #leaseMs: number
  readonly #taken: TakenTasks
  readonly #here = new Map<string, WorkerInfo>()
  /** As they were when last asked for, by operation. */
  readonly #seen = new Map<string, readonly WorkerInfo[]>()

  constructor(queries: ActionQueries, leaseMs: number) {
    this.#queries = queries
    this.#leaseMs = leaseMs
    this.#taken = new TakenTasks(queries)
  }

  async announce(worker: WorkerInfo, signal: AbortSignal): Promise<Announcement> {
    for (;;) {
      signal.throwIfAborted()
      try {
        const announced = await this.#tryToAnnounce(worker)
        if (announced !== undefined) return announced
      } catch (error) {
        currentLogger().warn({ err: error }, `cannot announce the worker for target ${worker.target}`)
      }
      await sleep(systemClock, POLL_MS, signal)
    }
  }

  /** Undefined while another process has one for the target. */
  async #tryToAnnounce(worker: WorkerInfo): Promise<Announcement | undefined> {
    const { operation, target, host } = worker
    const [queries, leaseMs] = [this.#queries, this.#leaseMs]
    const text = `select p_id::float8, p_turn::float8
      from ${queries.s}.announce_worker($1::text, $2::text, $3::text, $4::float8)`
    const askedAt = systemClock.elapsed()
    const [row] = await queries.rows<[number | null, number]>(text, [operation, target, host, leaseMs])
    const [id, turn] = row!
    if (id === null) return undefined
    this.#here.set(`${id} ${turn}`, worker)
    const onGone = (): void => void this.#here.delete(`${id} ${turn}`)
    return new AnnouncedWorker({ queries, worker, id, turn, leaseMs, askedAt, onGone })
  }

  async find(operation: string, target: string): Promise<WorkerInfo | undefined> {
    return (await this.live(operation)).find((worker) => worker.target === target)
  }

  async live(operation: string): Promise<readonly WorkerInfo[]> {
    const text = `select host, target from ${this.#queries.s}.live_workers
      where operation = $1::text and expires > clock_timestamp() order by target`
    const rows = await this.#queries.rows<[string, string]>(text, [operation])
    const live = rows.map(([host, target]) => ({ operation, host, target }))
    this.#seen.set(operation, live)
    return live
  }

  known(operation: string): readonly WorkerInfo[] {
    const here = [...this.#here.values()].filter((worker) => worker.operation === operation)
    const targets = new Set(here.map(({ target }) => target))
    return [...here, ...(this.#seen.get(operation) ?? []).filter(({ target }) => !targets.has(target))]
  }

  async post(operation: string, { action, input, host, target }: Task): Promise<Posted> {
    const posted = await this.#taken.watch(action)
    const text = `select ${this.#queries.s}.post_task($1::text, $2::text, $3::text, $4::text, $5::text::json, $6::text)`
    const json = input === undefined ? null : JSON.stringify(input)
    const params = [operation, target, host, action, json, this.#queries.channel]
    const [row] = await this.#queries.rows<[boolean]>(text, params)
    if (row![0]) {
      this.#taken.posted(action)
      return posted
    }
    this.#taken.forget(action)
    throw new ErrNoWorker(operation, target)
  }
}
