import { ExponentialBackoff } from '../../core/backoff.ts'
import { systemClock } from '../../core/clock-system.ts'
import { Notify } from '../../core/notify.ts'
import { RenewedLease } from '../../core/renewed-lease.ts'
import { OutageLog } from '../../core/outage-log.ts'
import type { Task } from '../../dispatch/action.ts'
import { WorkerLostError } from '../../dispatch/errors.ts'
import type { WorkerInfo, WorkerRegistration } from '../../dispatch/task-exchange.ts'
import type { StatementOptions } from '../database/database.ts'
import { EQ, TEXT, inMs } from '../database/qualified.ts'
import { fromStorable } from '../statements/storable-json.ts'
import { leaseLimit } from '../statements/lease-limit.ts'
import type { SchemaQueries } from '../statements/schema-queries.ts'
import { WakeUps } from '../statements/wake-ups.ts'

const POLL_MS = 1_000
/** After the database couldn't be reached. */
const AGAIN = new ExponentialBackoff({ initial: 50, max: POLL_MS })

export interface RegisteredWorkerProps {
  readonly queries: SchemaQueries
  readonly worker: WorkerInfo
  readonly id: number
  readonly fence: number
  readonly leaseMs: number
  /** When the database was asked for the lease, by the clock's `elapsed`. */
  readonly askedAt: number
  /** Called when it takes no more tasks. @param last the action whose task it was given last */
  readonly onClosed: (last: string | undefined) => void
}

/** A worker's row in the database, renewed until it is withdrawn or lost. */
export class RegisteredWorker implements WorkerRegistration {
  readonly #props: RegisteredWorkerProps
  readonly #outage: OutageLog
  readonly #lost = new AbortController()
  /** It takes no more tasks. */
  readonly #closed = new AbortController()
  readonly #wake = new Notify(systemClock, this.#closed.signal)
  readonly #lease: RenewedLease
  #withdrawn = false
  #wakeUps: WakeUps | undefined
  /** The action whose task was given last. */
  #last: string | undefined

  constructor(props: RegisteredWorkerProps) {
    this.#props = props
    this.#outage = new OutageLog(`reach the database as the worker for target ${props.worker.target}`)
    const callbacks = {
      renew: () => this.#renew(),
      onLost: () => this.#lose(),
      onError: (error: unknown) => this.#outage.failed(error),
    }
    const { leaseMs, askedAt } = props
    this.#lease = new RenewedLease({ leaseMs, clock: systemClock, ...callbacks }, askedAt)
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async next(): Promise<Task | undefined> {
    for (let failures = 0; !this.#closed.signal.aborted;) {
      try {
        await this.#listen()
        const task = await this.#take()
        this.#outage.succeeded()
        failures = 0
        if (task !== undefined) return task
      } catch (error) {
        this.#outage.failed(error)
        failures++
      }
      await this.#wake.wait(failures === 0 ? POLL_MS : AGAIN.duration(failures))
    }
    return undefined
  }

  async close(now: number): Promise<void> {
    if (this.#closed.signal.aborted) return
    this.#takeNoMore()
    await this.#close(now, false)
  }

  async withdraw(now: number): Promise<void> {
    if (this.#withdrawn || this.#lost.signal.aborted) return
    this.#takeNoMore()
    this.#withdrawn = true
    this.#lease.stop()
    await this.#close(now, true)
  }

  /** If the database cannot be reached, the lease expires, and its actions are found to be lost. */
  async #close(now: number, gone: boolean): Promise<void> {
    const { queries, id, fence } = this.#props
    const { s, channel } = queries
    const text = /* sql */ `select ${s}.close_worker($1::bigint, $2::bigint, $3::${TEXT}, $4::boolean, $5::double precision, $6::${TEXT})`
    try {
      await queries.rows(text, [id, fence, this.#last ?? null, gone, now, channel], this.#urgent)
    } catch (error) {
      this.#outage.failed(error)
    }
  }

  async #listen(): Promise<void> {
    if (this.#wakeUps !== undefined) return
    const { queries, id } = this.#props
    const payloads = ['', `task ${id}`]
    const wakeUps = new WakeUps(() => this.#wake.notify())
    await wakeUps.listen(queries, queries.channel, (payload) => payloads.includes(payload))
    this.#wakeUps = wakeUps
    if (this.#closed.signal.aborted) await wakeUps.stop()
  }

  async #take(): Promise<Task | undefined> {
    const { queries, worker, id, fence } = this.#props
    const { s, channel } = queries
    const text = /* sql */ `select p_live, p_action, p_input::${TEXT}
      from ${s}.take_task($1::bigint, $2::bigint, $3::${TEXT}, $4::${TEXT})`
    type Row = [live: boolean, action: string | null, input: string | null]
    const params = [id, fence, this.#last ?? null, channel]
    const [row] = await queries.rows<Row>(text, params, { ...this.#urgent, reserved: 'claims' })
    const [live, action, input] = row!
    if (!live) this.#lose()
    // A task taken while it closed has failed, or goes to the next worker.
    if (action === null || this.#closed.signal.aborted) return undefined
    this.#last = action
    this.#wakeUps?.worthIt()
    const { host, target } = worker
    return { action, host, target, input: input === null ? undefined : fromStorable(input) }
  }

  get #urgent(): StatementOptions {
    return { limitMs: leaseLimit(this.#props.leaseMs), reserved: 'renewals' }
  }

  async #renew(): Promise<boolean> {
    const { queries, id, fence, leaseMs } = this.#props
    const text = /* sql */ `update ${queries.s}.live_workers set expires = ${inMs('$3')}
      where id ${EQ} $1::bigint and fence ${EQ} $2::bigint returning 1`
    return (await queries.rows(text, [id, fence, leaseMs], this.#urgent)).length > 0
  }

  #lose(): void {
    if (this.#withdrawn || this.#lost.signal.aborted) return
    this.#takeNoMore()
    this.#lease.stop()
    this.#lost.abort(new WorkerLostError())
  }

  #takeNoMore(): void {
    if (this.#closed.signal.aborted) return
    this.#closed.abort()
    void this.#wakeUps?.stop().catch(() => {})
    this.#props.onClosed(this.#last)
  }
}
