import { ExponentialBackoff } from '../../core/backoff.ts'
import { systemClock } from '../../core/clock-system.ts'
import { Notify } from '../../core/notify.ts'
import { RenewedLease } from '../../core/renewed-lease.ts'
import { OutageLog } from '../../core/outage-log.ts'
import { Throttle } from '../../core/throttle.ts'
import type { Task } from '../../dispatch/action.ts'
import { WorkerLostError } from '../../dispatch/errors.ts'
import type { WorkerInfo, WorkerRegistration } from '../../dispatch/task-exchange.ts'
import type { StatementOptions } from '../database/database.ts'
import { EQ, TEXT, inMs } from '../database/qualified.ts'
import { fromStorable } from '../statements/storable-json.ts'
import { leaseLimit } from '../statements/lease-limit.ts'
import type { SchemaQueries } from '../statements/schema-queries.ts'
import { WAKE_EVERY_MS } from '../statements/wake-ups.ts'
import type { WokenWorker, WorkerWakeUps } from './worker-wake-ups.ts'

/** After the database couldn't be reached. */
const AGAIN = new ExponentialBackoff({ initial: 50, max: 1_000 })

export interface RegisteredWorkerProps {
  readonly queries: SchemaQueries
  readonly wakeUps: WorkerWakeUps
  readonly worker: WorkerInfo
  readonly id: number
  readonly fence: number
  readonly leaseMs: number
  /** When the database was asked for the lease, by the clock's `elapsed`. */
  readonly askedAt: number
  /** Called when it takes no more tasks. @param last the action whose task it was given last */
  readonly onClosed: (last: string | undefined) => void
}

/** What a worker has to do next, by the database. */
export interface NextTask {
  /** False when its lease belongs to another. */
  readonly isLive: boolean
  /** Null when there is nothing to do. */
  readonly action: string | null
  readonly input?: unknown
}

/** Lets a statement of this process take the worker's next task with what else it does. To be settled once. */
export interface Taker {
  readonly id: number
  readonly fence: number
  /** The action whose task the worker was given last, and has performed. */
  readonly done: string | undefined
  /** @param next undefined without an answer: the task may have been taken, or not */
  readonly settle: (next: NextTask | undefined) => void
}

/**
 * A worker's row in the database, renewed until it is withdrawn or lost.
 *
 * Waiting for a task, it takes one when it is woken. A statement of this process that gives it a task, or ends its last one, may take
 * the next task in its name; one such statement at a time. Should the worker look by itself before the answer comes, the answer
 * counts for nothing: what it took is found again, since a taken task stays the first until it is done.
 */
export class RegisteredWorker implements WorkerRegistration, WokenWorker {
  readonly #props: RegisteredWorkerProps
  readonly #outage: OutageLog
  readonly #lost = new AbortController()
  /** It takes no more tasks. */
  readonly #closed = new AbortController()
  readonly #wake = new Notify(systemClock, this.#closed.signal)
  readonly #throttle = new Throttle(() => this.#wake.notify(), WAKE_EVERY_MS, systemClock)
  readonly #lease: RenewedLease
  #withdrawn = false
  /** The action whose task was given last. */
  #last: string | undefined
  #isWaiting = false
  /** The statement that takes the next task. */
  #taker: Taker | undefined
  /** What that statement found. */
  #answer: NextTask | undefined

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
    props.wakeUps.add(this)
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Whether it takes tasks; as far as this process knows, so does the database. */
  get isLive(): boolean {
    return !this.#closed.signal.aborted && !this.#lease.isLost()
  }

  get id(): number {
    return this.#props.id
  }

  get fence(): number {
    return this.#props.fence
  }

  get isWaiting(): boolean {
    return this.#isWaiting
  }

  hear(): void {
    this.#throttle.call()
  }

  look(): void {
    this.#wake.notify()
  }

  get info(): WorkerInfo {
    return this.#props.worker
  }

  async next(): Promise<Task | undefined> {
    for (let failures = 0; !this.#closed.signal.aborted;) {
      try {
        await this.#props.wakeUps.listen()
        const task = this.#accept(this.#answered() ?? (await this.#take()))
        this.#outage.succeeded()
        failures = 0
        if (task !== undefined) return task
      } catch (error) {
        this.#outage.failed(error)
        failures++
      }
      await this.#idle(failures === 0 ? Infinity : AGAIN.duration(failures))
    }
    return undefined
  }

  async #idle(ms: number): Promise<void> {
    this.#isWaiting = true
    await this.#wake.wait(ms)
    this.#isWaiting = false
    this.#taker = undefined
  }

  /** While it waits for a task, or is about to: for the statement that gives it one. @param host whose worker is meant */
  takerWhileIdle(host: string): Taker | undefined {
    const isIdle = this.#isWaiting || this.#answer?.action === null
    if (host !== this.info.host || !isIdle || this.#taker !== undefined || !this.isLive) return undefined
    return this.#newTaker(() => this.#wake.notify())
  }

  /** For the statement that ends its last action, before `next` is called. */
  takerAfter(action: string): Taker | undefined {
    if (action !== this.#last || !this.isLive) return undefined
    // The statement finds whatever was notified until now.
    this.#wake.forget()
    return this.#newTaker(() => {})
  }

  #newTaker(onAnswer: () => void): Taker {
    const { id, fence } = this.#props
    const settle = (next: NextTask | undefined): void => {
      const isCurrent = this.#taker === taker
      if (isCurrent) this.#taker = undefined
      if (isCurrent && next !== undefined) {
        this.#answer = next
        onAnswer()
      } else if (next?.action !== null) this.#wake.notify()
    }
    const taker: Taker = { id, fence, done: this.#last, settle }
    this.#taker = taker
    return taker
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

  #answered(): NextTask | undefined {
    const answer = this.#answer
    this.#answer = undefined
    return answer
  }

  async #take(): Promise<NextTask> {
    const { queries, id, fence } = this.#props
    const { s, channel } = queries
    const text = /* sql */ `select p_live, p_action, p_input::${TEXT}
      from ${s}.take_task($1::bigint, $2::bigint, $3::${TEXT}, null, $4::${TEXT})`
    type Row = [live: boolean, action: string | null, input: string | null]
    const params = [id, fence, this.#last ?? null, channel]
    this.#wake.forget()
    const [row] = await queries.rows<Row>(text, params, { ...this.#urgent, reserved: 'claims' })
    const [isLive, action, input] = row!
    return { isLive, action, input: input === null ? undefined : fromStorable(input) }
  }

  #accept({ isLive, action, input }: NextTask): Task | undefined {
    if (!isLive) this.#lose()
    // A task taken while it closed has failed, or goes to the next worker.
    if (action === null || this.#closed.signal.aborted) return undefined
    this.#last = action
    this.#throttle.worthIt()
    const { host, target } = this.#props.worker
    return { action, host, target, input }
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
    this.#throttle.stop()
    this.#props.wakeUps.remove(this)
    this.#props.onClosed(this.#last)
  }
}
