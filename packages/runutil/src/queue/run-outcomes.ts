import type { Clock } from '../core/clock.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { Attempt } from './attempt.ts'
import type { ClaimSignals } from './claim-signals.ts'
import type { ClaimedJob } from './job.ts'
import { judge, judgeCrashes } from './judge.ts'
import type { Kind } from './kind.ts'
import type { ObservedJobStore } from './observed-job-store.ts'
import type { MinuteTally } from './minute-tally.ts'
import { type JobSettlement, type Settlement, settlementOf } from './outcome.ts'
import type { HandlerResult } from './perform.ts'
import type { RunClaims } from './run-claims.ts'
import type { RunEnd } from './run-end.ts'
import type { RunLog } from './run-log.ts'
import { Settler } from './settler.ts'
import { TransactionSettler } from './transaction-settler.ts'
import type { WorkerRules } from './worker-rules.ts'

export interface RunOutcomesProps {
  readonly store: ObservedJobStore
  readonly kinds: ReadonlyMap<string, Kind>
  readonly clock: Clock
  readonly maxCrashes: number
  readonly rules: WorkerRules
  readonly claims: RunClaims
  readonly minutes: MinuteTally
  readonly signals: ClaimSignals
  readonly log: RunLog
  readonly end: RunEnd
  /** Notified of settled jobs, as a sign of life. */
  readonly record: WorkerRecord | undefined
}

/** Judges how jobs of a run ended, and has that recorded: handler result ─► outcome ─► settled, which releases the claim. */
export class RunOutcomes {
  readonly #props: RunOutcomesProps
  readonly #settler: Settler<JobSettlement>
  /** For results of handlers that have completed their job in a transaction. */
  readonly #transactionSettler: TransactionSettler<JobSettlement>
  /** Outcomes that were settled, but not recorded as they are. */
  readonly #unrecorded = new Set<Settlement>()

  constructor(props: RunOutcomesProps) {
    this.#props = props
    const { store, clock, log, end } = props
    const onSettled = (batch: readonly JobSettlement[]): void => this.#settled(batch)
    const onRetry = (error: unknown, delayMs: number): void => log.unavailable('outcomes', error, delayMs)
    const onLost = (lost: readonly Settlement[]): void => lost.forEach((one) => this.#unrecorded.add(one))
    const settler = (this.#settler = new Settler({
      store,
      clock,
      onSettled,
      onLost,
      onRetry,
      onRefused: (settlement, error) => this.#refused(settlement, error),
      onFailure: end.fail,
    }))
    this.#transactionSettler = new TransactionSettler({
      store,
      clock,
      onSettled,
      onLost,
      onRetry,
      onRefused: (settlement) => settler.add(settlement),
    })
  }

  /** How many outcomes aren't recorded yet. */
  get unsettled(): number {
    return this.#settler.unsettled
  }

  /** As `Settler.handOver`. */
  handOver(...given: Parameters<Settler<JobSettlement>['handOver']>): Promise<void> {
    return this.#settler.handOver(...given)
  }

  /** Ends jobs that crashed too often as PANIC. @returns the others */
  withoutCrashed(jobs: readonly ClaimedJob[]): readonly ClaimedJob[] {
    return jobs.filter((job) => {
      const outcome = judgeCrashes(job, this.#props.maxCrashes)
      if (outcome !== undefined) this.#settle(settlementOf(job, outcome, 0), this.#settler)
      return outcome === undefined
    })
  }

  /** An attempt's handler has ended. */
  add({ job, startedAt, durationMs, isCompleting, traced }: Attempt, result: HandlerResult): void {
    const { store, kinds, minutes, clock } = this.#props
    const { retries } = kinds.get(job.kind)!
    const outcome = judge(result, { job, retries, maxJson: store.maxJson })
    const settlement = settlementOf(job, outcome, durationMs, startedAt)
    if (traced !== undefined) {
      const error = 'error' in result ? result.error : undefined
      traced.ended({ outcome, error, durationMs, waitMs: minutes.waitMs(job, startedAt, clock) })
    }
    this.#settle(settlement, isCompleting ? this.#transactionSettler : this.#settler, result)
  }

  #settle(
    settlement: JobSettlement,
    settler: { add(settlement: JobSettlement): void },
    result?: HandlerResult,
  ): void {
    this.#props.log.ended(settlement, result)
    settler.add(settlement)
  }

  #settled(batch: readonly JobSettlement[]): void {
    const { claims, log, signals, rules, record } = this.#props
    this.#count(batch)
    claims.delete(batch.map(({ job }) => job))
    log.available('outcomes')
    record?.signOfLife()
    signals.freed.notify()
    // The next job of a limited kind may start now.
    if (rules.limited) signals.ready.notify()
  }

  #refused(settlement: JobSettlement, error: unknown): void {
    const { log, minutes, clock } = this.#props
    log.refused(settlement, error)
    this.#unrecorded.add(settlement)
    minutes.settled([{ ...settlement, outcome: { status: 'PANIC', lastError: undefined } }], clock)
  }

  #count(batch: readonly JobSettlement[]): void {
    const { minutes, clock } = this.#props
    const unrecorded = this.#unrecorded
    const recorded = unrecorded.size === 0 ? batch : batch.filter((one) => !unrecorded.delete(one))
    minutes.settled(recorded, clock)
  }

  /**
   * Resolves when all outcomes are recorded or, after some time, given up.
   *
   * @param patienceMs called for each settler, since time passes
   */
  async finish(patienceMs: () => number): Promise<void> {
    await this.#transactionSettler.finish(patienceMs())
    await this.#settler.finish(patienceMs())
  }
}
