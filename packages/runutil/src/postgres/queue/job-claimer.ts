import { ClockSteps } from '../../core/clock-steps.ts'
import { systemClock } from '../../core/clock-system.ts'
import type { Clock } from '../../core/clock.ts'
import type { LeasedJob } from '../../queue/job.ts'
import type { ClaimOptions } from '../../queue/claim-options.ts'
import { HELD_BACK, LAST_CHANCE, PACKED } from '../schema/1-queue/claiming.ts'
import { TIME } from '../schema/1-queue/clock-set.ts'
import { GRACE_MS, CLAIM_AGAIN } from '../schema/1-queue/freeing.ts'
import { textArray } from '../statements/array-literal.ts'
import { leaseLimit } from '../statements/lease-limit.ts'
import { ExpiryCheck } from '../statements/expiry-check.ts'
import type { SchemaQueries } from '../statements/schema-queries.ts'
import { claimedJobs } from './claimed-jobs.ts'
import { claimColumns } from './job-columns.ts'
import type { ClaimedRow } from './job-rows.ts'
import type { JobStatements } from './job-statements.ts'
import type { JobNotifications } from './job-notifications.ts'
import { type MarkColumns, ScanMarks, NO_MARKS } from './scan-marks.ts'
import { StartMargin } from './start-margin.ts'

export interface JobClaimerProps {
  readonly queries: SchemaQueries
  readonly statements: JobStatements
  readonly channel: string
  readonly notifications: JobNotifications
  /** Where all times come from; undefined: the database's own clock. */
  readonly clock: Clock | undefined
}

export interface Claimed {
  readonly jobs: LeasedJob[]
  /** The claimed jobs that would start too late after their claim. */
  readonly late: LeasedJob[]
}

/** A claim, as it was sent. */
interface SentClaim {
  readonly kinds: readonly string[]
  /** Undefined: its duration says nothing about the rows that it has passed. */
  readonly marks: MarkColumns | undefined
  readonly margin: number
  readonly sentAt: number
}

/** Claims jobs, and separates those that took too long to arrive. */
export class JobClaimer {
  readonly #props: JobClaimerProps
  readonly #expiryCheck = new ExpiryCheck()
  readonly #margin = new StartMargin()
  readonly #marks = new ScanMarks()
  readonly #steps = new ClockSteps()
  #claimIsScheduled = false

  constructor(props: JobClaimerProps) {
    this.#props = props
  }

  /** Earlier jobs may be claimed again. */
  requeued(): void {
    this.#marks.rescanAll()
  }

  async claim(
    kinds: readonly string[],
    limit: number,
    leaseMs: number,
    options: ClaimOptions,
  ): Promise<Claimed> {
    const { queries, statements, channel } = this.#props
    const { clock = systemClock } = this.#props
    const now = this.#props.clock?.now() ?? null
    // Tests with their own clock expect expired leases to be freed at once.
    const frees = now !== null || this.#expiryCheck.isDue()
    const margin = this.#margin.ms
    // A job left earlier may lie before the marks.
    const rescans = options.lastChance === true && options.maxCrashes !== 0
    const marks = now === null && !rescans ? this.#marks.columns(kinds) : NO_MARKS
    const sentAt = clock.elapsed()
    const params = [
      textArray(kinds),
      limit,
      leaseMs,
      frees,
      now,
      margin,
      ...marks,
      channel,
      ...claimColumns(options, frees),
    ]
    const rows = await queries.run<ClaimedRow>(statements.claim, params, undefined, {
      limitMs: leaseLimit(leaseMs),
      reserved: 'claims',
    })
    while (rows[0]?.[0] === null && rows[0][1] !== PACKED) this.#onSpecialRow(rows.shift()!, sentAt, options)
    return this.#arrived(claimedJobs(rows), { kinds, marks, margin, sentAt })
  }

  /** Whether a claim now needs nothing but a look at the first waiting jobs. */
  isPlain(kinds: readonly string[]): boolean {
    const hasOwnClock = this.#props.clock !== undefined
    return hasOwnClock || (!this.#expiryCheck.isPending && this.#marks.columns(kinds) === NO_MARKS)
  }

  /** Jobs of a plain claim have arrived. @param sent `wasSlow`: it has passed dead rows. `sentAt`: as the clock's `elapsed()` */
  plainly(
    jobs: LeasedJob[],
    sent: { kinds: readonly string[]; sentAt: number; wasSlow: boolean },
  ): Promise<Claimed> {
    return this.#arrived(jobs, {
      ...sent,
      marks: sent.wasSlow ? NO_MARKS : undefined,
      margin: this.#margin.ms,
    })
  }

  async #arrived(jobs: LeasedJob[], { kinds, marks, margin, sentAt }: SentClaim): Promise<Claimed> {
    const { clock, notifications } = this.#props
    const tookMs = (clock ?? systemClock).elapsed() - sentAt
    const inTime = this.#margin.isKept(tookMs, margin)
    notifications.claimed(kinds, jobs)
    if (marks !== undefined) this.#marks.claimed(jobs, marks, tookMs)
    const isEarly = inTime || clock !== undefined || jobs.length === 0
    return { jobs, late: isEarly ? [] : await this.#rated(jobs) }
  }

  /** Which jobs are of kinds with a rate. Queried as late as possible, since another process may just have set a rate. */
  async #rated(jobs: readonly LeasedJob[]): Promise<LeasedJob[]> {
    const kinds = textArray([...new Set(jobs.map(({ kind }) => kind))])
    const rows = await this.#props.queries.run<[string]>(this.#props.statements.rated, [kinds])
    const rated = new Set(rows.map(([kind]) => kind))
    return jobs.filter(({ kind }) => rated.has(kind))
  }

  /** Handles the result rows of a claim that aren't jobs. */
  #onSpecialRow([, rowKind, , , time]: ClaimedRow, sentAt: number, options: ClaimOptions): void {
    if (rowKind === HELD_BACK) options.onHeldBack?.()
    if (rowKind === LAST_CHANCE) options.onLastChance?.()
    if (rowKind === CLAIM_AGAIN) this.#scheduleClaim()
    if (rowKind === TIME) this.#onTime(Number(time), sentAt, options)
  }

  #onTime(time: number, sentAt: number, { onClockSet, onStoreTime }: ClaimOptions): void {
    const { clock = systemClock } = this.#props
    const elapsed = clock.elapsed()
    // A claim reads the time first.
    onStoreTime?.(time - (clock.now() - elapsed + sentAt))
    const { seenMs, sureMs } = this.#steps.check(time, sentAt, elapsed)
    // Jobs enqueued from now on may lie before the marks.
    if (seenMs < 0) this.requeued()
    if (sureMs !== 0) onClockSet?.(sureMs)
  }

  /** After the grace of expired leases, or when a claim has found only full keys so far. */
  #scheduleClaim(): void {
    if (this.#claimIsScheduled) return
    this.#claimIsScheduled = true
    systemClock.setTimeout(() => {
      this.#claimIsScheduled = false
      this.#expiryCheck.hasten()
      this.#props.notifications.wakeUps.wakeAll()
    }, GRACE_MS)
  }
}
