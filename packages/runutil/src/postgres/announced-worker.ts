import { type Timer, systemClock } from '../core/clock.ts'
import { currentLogger } from '../core/context.ts'
import { Doorbell } from '../core/doorbell.ts'
import type { Task } from '../dispatch/action.ts'
import { WorkerLostError } from '../dispatch/errors.ts'
import type { Announcement, WorkerInfo } from '../dispatch/task-exchange.ts'
import type { ActionQueries } from './action-queries.ts'

const POLL_MS = 1_000
/** Of the time that a lease lasts: when it is renewed, and when it is given up. */
const RENEW = 1 / 3
const GIVE_UP = 5 / 6

export interface AnnouncedWorkerProps {
  readonly queries: ActionQueries
  readonly worker: WorkerInfo
  readonly id: number
  readonly turn: number
  readonly leaseMs: number
  /** When the database was asked, by the clock's `elapsed`. */
  readonly askedAt: number
  /** It is not live any more. */
  readonly onGone: () => void
}

/** A worker's row in the database, renewed until it is withdrawn or lost. */
export class AnnouncedWorker implements Announcement {
  readonly #props: AnnouncedWorkerProps
  readonly #lost = new AbortController()
  readonly #gone = new AbortController()
  readonly #bell = new Doorbell(systemClock, this.#gone.signal)
  readonly #renewal: Timer
  readonly #end: Timer
  #unlisten: (() => Promise<void>) | undefined

  constructor(props: AnnouncedWorkerProps) {
    const { askedAt, leaseMs } = props
    this.#props = props
    this.#renewal = systemClock.setTimeoutAt(() => void this.#renew(), askedAt + leaseMs * RENEW)
    this.#end = systemClock.setTimeoutAt(() => this.#lose(), askedAt + leaseMs * GIVE_UP)
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async next(): Promise<Task | undefined> {
    await this.#listen()
    while (!this.#gone.signal.aborted) {
      const task = await this.#take()
      if (task !== undefined) return task
      await this.#bell.wait(POLL_MS)
    }
    return undefined
  }

  async withdraw(): Promise<string[]> {
    if (this.#gone.signal.aborted) return []
    this.#leave()
    const { queries, id, turn } = this.#props
    const text = `select ${queries.s}.withdraw_worker($1::bigint, $2::bigint)`
    try {
      const [row] = await queries.rows<[string]>(text, [id, turn])
      return JSON.parse(row![0]) as string[]
    } catch (error) {
      // Then its lease runs out, and what it leaves is found to be lost.
      currentLogger().warn(
        { err: error },
        `cannot withdraw the worker for target ${this.#props.worker.target}`,
      )
      return []
    }
  }

  async #listen(): Promise<void> {
    if (this.#unlisten !== undefined || this.#gone.signal.aborted) return
    const { queries, id } = this.#props
    const heard = ['', `task ${id}`]
    try {
      this.#unlisten = await queries.database.listen(queries.channel, (payload) => {
        if (heard.includes(payload)) this.#bell.ring()
      })
    } catch (error) {
      currentLogger().warn({ err: error }, 'cannot listen for tasks')
    }
  }

  async #take(): Promise<Task | undefined> {
    const { queries, worker, id, turn } = this.#props
    const { s, channel } = queries
    const text = `select p_live, p_action, p_input::text from ${s}.take_task($1::bigint, $2::bigint, $3::text)`
    type Row = [live: boolean, action: string | null, input: string | null]
    try {
      const [row] = await queries.rows<Row>(text, [id, turn, channel])
      const [live, action, input] = row!
      if (!live) this.#lose()
      if (action === null) return undefined
      const { host, target } = worker
      return { action, host, target, input: input === null ? undefined : (JSON.parse(input) as unknown) }
    } catch (error) {
      currentLogger().warn({ err: error }, `cannot ask for tasks for target ${worker.target}`)
      return undefined
    }
  }

  async #renew(): Promise<void> {
    const { queries, id, turn, leaseMs } = this.#props
    const askedAt = systemClock.elapsed()
    const text = `update ${queries.s}.live_workers set expires = clock_timestamp() + $3::float8 * interval '1 ms'
      where id = $1::bigint and turn = $2::bigint returning 1`
    try {
      const rows = await queries.rows(text, [id, turn, leaseMs])
      if (this.#gone.signal.aborted) return
      if (rows.length === 0) return this.#lose()
      this.#end.restartAt(askedAt + leaseMs * GIVE_UP)
      this.#renewal.restartAt(askedAt + leaseMs * RENEW)
    } catch (error) {
      if (this.#gone.signal.aborted) return
      currentLogger().warn({ err: error }, `cannot renew the worker for target ${this.#props.worker.target}`)
      this.#renewal.restartAt(systemClock.elapsed() + leaseMs / 12)
    }
  }

  #lose(): void {
    this.#leave()
    this.#lost.abort(new WorkerLostError())
  }

  #leave(): void {
    if (this.#gone.signal.aborted) return
    this.#gone.abort()
    this.#renewal.clear()
    this.#end.clear()
    void this.#unlisten?.().catch(() => {})
    this.#props.onGone()
  }
}
