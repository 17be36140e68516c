import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock-system.ts'
import { Throttle } from '../../core/throttle.ts'
import { type OnReady, ReadyListeners } from '../../queue/ready-listeners.ts'
import type { SchemaQueries } from '../statements/schema-queries.ts'
import { WAKE_EVERY_MS } from '../statements/wake-ups.ts'
import { FleetSize, type FleetSizeProps } from './fleet-size.ts'
import { LaterJobs } from './later-jobs.ts'
import { type JobCount, type Notice, noticeOf, sumCounts } from './notice.ts'
import { WakeRounds } from './wake-rounds.ts'

export interface JobWakeUpsProps {
  readonly queries: SchemaQueries
  readonly channel: string
  /** The clock by which jobs fall due. */
  readonly clock: Clock
  readonly askFleet: FleetSizeProps['ask']
  /** Sends a notification. */
  readonly notify: (payload: string) => Promise<void>
  /** Called for each notification, before workers are woken. */
  readonly onNotice: (payload: string) => void
}

/** Sent by a process that begins to listen, so that others recount workers; receiving its own proves that it can receive. */
const JOINED = 'joined '

/**
 * Wakes workers when the database notifies of jobs: across all processes about as many as there are jobs, or all of them
 * when any job may be ready. Useless notifications wake workers at most once in 10 ms.
 */
export class JobWakeUps {
  readonly #props: JobWakeUpsProps
  readonly #throttle = new Throttle(() => this.#wake(), WAKE_EVERY_MS, systemClock)
  readonly #listeners = new ReadyListeners(systemClock)
  readonly #fleet: FleetSize
  readonly #rounds: WakeRounds
  readonly #later: LaterJobs
  readonly #joined = `${JOINED}${systemClock.random().toString(36).slice(2)}`
  #notices: Notice[] = []
  #receives = false
  #subscribers = 0
  #off: Promise<() => Promise<void>> | undefined

  constructor(props: JobWakeUpsProps) {
    this.#props = props
    this.#fleet = new FleetSize({ clock: systemClock, ask: props.askFleet })
    this.#rounds = new WakeRounds({ clock: systemClock, listeners: this.#listeners, fleet: this.#fleet })
    this.#later = new LaterJobs(props.clock, (counts) => this.#add(counts))
  }

  /** Whether notifications arrive; some poolers accept LISTEN but don't deliver. */
  get receives(): boolean {
    return this.#receives
  }

  /** As `JobStore.listen`. */
  async listen(onReady: OnReady, kinds?: readonly string[]): Promise<() => Promise<void>> {
    const stop = await this.#subscribe()
    const remove = this.#listeners.add(onReady, kinds)
    const off = (): Promise<void> => {
      remove()
      return stop()
    }
    try {
      await this.#fleet.count(kinds ?? [])
      if (this.#props.queries.database.listens) await this.#props.notify(this.#joined)
      return off
    } catch (error) {
      await off()
      throw error
    }
  }

  /** Shared by all listeners. @returns a function that ends it for one of them; safe to call again */
  async #subscribe(): Promise<() => Promise<void>> {
    const { queries, channel } = this.#props
    this.#subscribers++
    this.#off ??= queries.listen(channel, (payload) => this.#onPayload(payload))
    const subscribing = this.#off
    let stopped: Promise<void> | undefined
    const stop = (): Promise<void> => (stopped ??= this.#unsubscribe(subscribing))
    try {
      await subscribing
      return stop
    } catch (error) {
      await stop().catch(() => {})
      throw error
    }
  }

  async #unsubscribe(subscribing: Promise<() => Promise<void>>): Promise<void> {
    if (--this.#subscribers > 0) return
    this.#off = undefined
    this.#receives = false
    this.#rounds.stop()
    this.#later.stop()
    const off = await subscribing
    await off()
  }

  /** Wakes all workers of this process, as if any job might be ready. */
  wakeAll(): void {
    this.#add('any')
  }

  /** Reports the result of a claim of these kinds. @returns the counts to notify other processes of */
  claimed(kinds: readonly string[], jobs: readonly { readonly kind: string }[]): JobCount[] {
    if (jobs.length > 0) this.#throttle.worthIt()
    return this.#rounds.claimed(kinds, jobs)
  }

  #onPayload(payload: string): void {
    if (payload.startsWith(JOINED)) {
      this.#fleet.changed()
      this.#receives ||= payload === this.#joined
      return
    }
    this.#props.onNotice(payload)
    this.#add(noticeOf(payload))
  }

  #add(notice: Notice): void {
    this.#notices.push(notice)
    this.#throttle.call()
  }

  #wake(): void {
    const notices = this.#notices
    this.#notices = []
    if (notices.includes('any')) return this.#listeners.wakeAll()
    const counts = notices.flatMap((notice) => (notice === 'any' ? [] : notice))
    for (const { kind, count } of sumCounts(counts.filter(({ inMs }) => inMs === 0)))
      this.#rounds.add(kind, count)
    for (const count of counts)
      if (count.inMs > 0 && this.#listeners.count(count.kind) > 0) this.#later.add(count)
    this.#listeners.wakeUnshared()
  }
}
