import type { Context } from '../core/context.ts'
import { type HealthState, checkpoint } from '../core/health.ts'
import { log, logWarning } from '../core/log.ts'
import { loggableText } from '../core/loggable.ts'
import { OutageLog } from '../core/outage-log.ts'
import { isInstance } from '../core/thrown.ts'
import { RetryableError, isJobLost } from './errors.ts'
import type { Outcome, Settlement } from './outcome.ts'
import type { HandlerResult } from './perform.ts'

/** A worker's health is 'ok' only when all of these work. */
export type StoreUse = 'claims' | 'renewals' | 'outcomes'

/** Logs of a worker's run and its health. */
export class RunLog {
  readonly #context: Context
  readonly #outage: OutageLog
  /** The uses that fail because the store can't be reached. */
  readonly #failing = new Set<StoreUse>()

  constructor(context: Context) {
    this.#context = context
    this.#outage = new OutageLog('reach the job store', () => context.logger)
  }

  available(use: StoreUse): void {
    this.#failing.delete(use)
    if (this.#failing.size > 0) return
    this.#health('ok')
    this.#outage.succeeded()
  }

  unavailable(use: StoreUse, error: unknown, delayMs?: number): void {
    this.#failing.add(use)
    this.#health('firing')
    this.#outage.failed(error, { delayMs })
  }

  silent(leaseMs: number): void {
    this.#failing.add('claims')
    this.#health('firing')
    log(
      this.#context.logger,
      'warn',
      { forMs: leaseMs },
      'job store silent: no claim was answered within a lease',
    )
  }

  /** Successes aren't logged. */
  ended(settlement: Settlement, result?: HandlerResult): void {
    const { outcome } = settlement
    if (outcome.status === 'DONE') return
    const { logger } = this.#context
    if (result?.kind !== 'threw' && result?.kind !== 'overdue') {
      return log(logger, 'warn', factsOf(settlement), verdict(outcome))
    }
    const { error } = result
    const facts = { ...factsOf(settlement), err: error }
    // A stop is no failure of the job.
    if (isGivenUp(result, settlement.id))
      return log(logger, 'info', facts, 'job stopped early: the worker is shutting down')
    log(logger, 'warn', facts, isJobLost(error, settlement.id) ? 'job lost its lease' : verdict(outcome))
  }

  /** The store refused the outcome; the job ends as PANIC instead. */
  refused(settlement: Settlement, error: unknown): void {
    const facts = { ...factsOf(settlement), err: error }
    log(this.#context.logger, 'error', facts, 'job panicked: the store refused its outcome')
  }

  heldBack(maxHeldBytes: number): void {
    log(
      this.#context.logger,
      'warn',
      { maxHeldBytes },
      'jobs have waited for a minute: the payloads held here reach maxHeldBytes',
    )
  }

  clockSet(byMs: number): void {
    log(
      this.#context.logger,
      'warn',
      { byMs },
      `the job store's clock was set ${byMs < 0 ? 'back' : 'forward'}: leases, delays and rates count from now on`,
    )
  }

  notReleased(error: unknown): void {
    const message = 'jobs not released; they become free when their lease expires'
    logWarning(this.#context.logger, error, message)
  }

  #health(state: HealthState): void {
    checkpoint(this.#context, state)
  }
}

/** Enough to recognise an error whose full text is logged beside it. */
const LONGEST_REASON = 1_000

function factsOf({ id, kind, attempt, outcome }: Settlement): object {
  const lastError = outcome.status === 'DONE' ? undefined : outcome.lastError
  return { job: id, kind, attempt, lastError: lastError && loggableText(lastError, LONGEST_REASON) }
}

function isGivenUp(result: HandlerResult, id: string): boolean {
  if (result.kind !== 'threw' || !result.stopped) return false
  return !isInstance(result.error, RetryableError) && !isJobLost(result.error, id)
}

function verdict({ status }: Outcome): string {
  if (status === 'PENDING') return 'job will be retried'
  return status === 'PANIC' ? 'job panicked' : 'job failed'
}
