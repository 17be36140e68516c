import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock-system.ts'
import type { NewJob } from '../../queue/job-store.ts'
import type { Settlement } from '../../queue/outcome.ts'
import { textArray } from '../statements/array-literal.ts'
import type { SchemaQueries } from '../statements/schema-queries.ts'
import type { JobStatements } from './job-statements.ts'
import { JobWakeUps } from './job-wake-ups.ts'
import { type JobCount, countNew, countRetries, isOfRequeuedJobs, payloadOf } from './notice.ts'
import { NotifyThrottle } from './notify-throttle.ts'

export interface JobNotificationsProps {
  readonly queries: SchemaQueries
  readonly statements: JobStatements
  readonly channel: string
  /** Where the times of jobs come from; undefined: the database's own clock. */
  readonly clock: Clock | undefined
  /** Earlier jobs may be claimed again. */
  readonly onRequeued: () => void
}

/** Parameters of a statement: the notification that it sends. */
export type NoticeColumns = readonly [channel: string | null, notice: string | null]

export const NO_NOTICE: NoticeColumns = [null, null]

export interface InsertNotice {
  readonly columns: NoticeColumns
  /** Call when the statement fails, since its notification may include other jobs. */
  readonly failed: () => void
}

/** Notifications of jobs between processes, by NOTIFY. */
export class JobNotifications {
  readonly wakeUps: JobWakeUps
  readonly #props: JobNotificationsProps
  readonly #clock: Clock
  readonly #ready = new NotifyThrottle((counts) => this.#notify(payloadOf(counts)))
  /** Separate, so that no new job waits for it. */
  readonly #taken = new NotifyThrottle((counts) => this.#notify(payloadOf(counts)))

  constructor(props: JobNotificationsProps) {
    this.#props = props
    this.#clock = props.clock ?? systemClock
    const { queries, statements, channel, onRequeued } = props
    this.wakeUps = new JobWakeUps({
      queries,
      channel,
      clock: this.#clock,
      askFleet: (kinds) => queries.run(statements.workers, [textArray(kinds)]),
      notify: (payload) => this.#notify(payload),
      onNotice: (payload) => (isOfRequeuedJobs(payload) ? onRequeued() : undefined),
    })
  }

  /** The notification of the statement that inserts these jobs. */
  inserted(jobs: readonly NewJob[]): InsertNotice {
    const { counts, failed } = this.#ready.now(countNew(jobs, this.#clock.now()))
    return { columns: this.#columns(counts), failed }
  }

  /** The same for a caller's transaction, whose commit sends the notification. */
  insertedIn(jobs: readonly NewJob[]): NoticeColumns {
    return this.#columns(countNew(jobs, this.#clock.now()))
  }

  #columns(counts: readonly JobCount[]): NoticeColumns {
    return counts.length === 0 ? NO_NOTICE : [this.#props.channel, payloadOf(counts)]
  }

  settled(batch: readonly Settlement[]): void {
    this.#ready.send(countRetries(batch, this.#clock.now()))
  }

  claimed(kinds: readonly string[], jobs: readonly { readonly kind: string }[]): void {
    this.#taken.send(this.wakeUps.claimed(kinds, jobs))
  }

  async #notify(payload: string): Promise<void> {
    const { queries, statements, channel } = this.#props
    await queries.run(statements.notify, [channel, payload])
  }
}
