import { ExponentialBackoff } from '../core/backoff.ts'
import { systemClock } from '../core/clock.ts'
import { Doorbell } from '../core/doorbell.ts'
import { RenewedLease } from '../core/renewed-lease.ts'
import { Trouble } from '../core/trouble.ts'
import type { Task } from '../dispatch/action.ts'
import { WorkerLostError } from '../dispatch/errors.ts'
import type { Announcement, WorkerInfo } from '../dispatch/task-exchange.ts'
import type { ActionQueries } from './action-queries.ts'

const POLL_MS = 1_000
/** After the database couldn't be reached. */
const AGAIN = new ExponentialBackoff({ initial: 50, max: POLL_MS })

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
  readonly #trouble: Trouble
  readonly #lost = new AbortController()
  readonly #gone = new AbortController()
  readonly #bell = new Doorbell(systemClock, this.#gone.signal)
  readonly #lease: RenewedLease
  #unlisten: (() => Promise<void>) | undefined
  /** The action whose task was taken last. */
  #last: string | undefined

  constructor(props: AnnouncedWorkerProps) {
    this.#props = props
    this.#trouble = new Trouble(`cannot reach the database as the worker for target ${props.worker.target}`)
    const callbacks = {
      renew: () => this.#renew(),
      onLost: () => this.#lose(),
      onError: (error: unknown) => this.#trouble.begins(error),
    }
    const { leaseMs, askedAt } = props
    this.#lease = new RenewedLease({ leaseMs, clock: systemClock, ...callbacks }, askedAt)
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async next(): Promise<Task | undefined> {
    for (let failures = 0; !this.#gone.signal.aborted;) {
      try {
        await this.#listen()
        const task = await this.#take()
        this.#trouble.ends()
        failures = 0
        if (task !== undefined) return task
      } catch (error) {
        this.#trouble.begins(error)
        failures++
      }
      await this.#bell.wait(failures === 0 ? POLL_MS : AGAIN.duration(failures))
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
      this.#trouble.begins(error)
      return []
    }
  }

  async #listen(): Promise<void> {
    if (this.#unlisten !== undefined) return
    const { queries, id } = this.#props
    const heard = ['', `task ${id}`]
    const unlisten = await queries.database.listen(queries.channel, (payload) => {
      if (heard.includes(payload)) this.#bell.ring()
    })
    this.#unlisten = unlisten
    if (this.#gone.signal.aborted) await unlisten()
  }

  async #take(): Promise<Task | undefined> {
    const { queries, worker, id, turn } = this.#props
    const { s, channel } = queries
    const text = `select p_live, p_action, p_input::text
      from ${s}.take_task($1::bigint, $2::bigint, $3::text, $4::text)`
    type Row = [live: boolean, action: string | null, input: string | null]
    const [row] = await queries.rows<Row>(text, [id, turn, this.#last ?? null, channel])
    const [live, action, input] = row!
    if (!live) this.#lose()
    if (action === null) return undefined
    this.#last = action
    const { host, target } = worker
    return { action, host, target, input: input === null ? undefined : (JSON.parse(input) as unknown) }
  }

  async #renew(): Promise<boolean> {
    const { queries, id, turn, leaseMs } = this.#props
    const text = `update ${queries.s}.live_workers set expires = clock_timestamp() + $3::float8 * interval '1 ms'
      where id = $1::bigint and turn = $2::bigint returning 1`
    return (await queries.rows(text, [id, turn, leaseMs])).length > 0
  }

  #lose(): void {
    this.#leave()
    this.#lost.abort(new WorkerLostError())
  }

  #leave(): void {
    if (this.#gone.signal.aborted) return
    this.#gone.abort()
    this.#lease.stop()
    void this.#unlisten?.().catch(() => {})
    this.#props.onGone()
  }
}
