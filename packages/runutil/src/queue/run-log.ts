import type { Context, HealthState } from '../core/context.ts'
import { errorIs } from '../core/errors.ts'
import { ErrLostLease, RetryableError } from './errors.ts'
import type { Outcome, Settlement } from './outcome.ts'
import type { Performed } from './perform.ts'

/** Its health is 'ok' only when all of them work. */
export type StoreUse = 'claims' | 'renewals' | 'outcomes'

/** What a worker's run says in its log and about its health. */
export class RunLog {
  readonly #context: Context
  /** What the store can't be asked for. */
  readonly #failing = new Set<StoreUse>()

  constructor(context: Context) {
    this.#context = context
  }

  available(use: StoreUse): void {
    this.#failing.delete(use)
    if (this.#failing.size === 0) this.#health('ok')
  }

  unavailable(use: StoreUse, error: unknown, delayMs?: number): void {
    this.#failing.add(use)
    this.#health('firing')
    this.#context.logger.warn({ err: error, delayMs }, 'job store unavailable')
  }

  silent(leaseMs: number): void {
    this.#failing.add('claims')
    this.#health('firing')
    this.#context.logger.warn(
      { forMs: leaseMs },
      'job store silent: no claim was answered for as long as a lease',
    )
  }

  /** Of what went well, nothing. */
  ended({ id, kind, attempt, outcome }: Settlement, performed?: Performed): void {
    if (outcome.status === 'DONE') return
    const err = performed?.kind === 'threw' || performed?.kind === 'overdue' ? performed.error : undefined
    const { lastError } = outcome
    const facts = { job: id, kind, attempt, lastError, ...(err !== undefined && { err }) }
    // A stop is nobody's fault.
    if (isGivenUp(performed)) this.#context.logger.info(facts, 'job gave up, as it was told to stop')
    else
      this.#context.logger.warn(facts, errorIs(err, ErrLostLease) ? 'job lost its lease' : verdict(outcome))
  }

  heldBack(maxHeldBytes: number): void {
    this.#context.logger.warn(
      { maxHeldBytes },
      'jobs have waited for a minute since the payloads of those that are held reach maxHeldBytes',
    )
  }

  notGivenBack(error: unknown): void {
    this.#context.logger.warn(
      { err: error },
      'jobs not given back; they are free when their lease has run out',
    )
  }

  #health(state: HealthState): void {
    if (this.#context.name !== '') this.#context.scope.health.set(this.#context.name, state)
  }
}

function isGivenUp(performed: Performed | undefined): boolean {
  if (performed?.kind !== 'threw' || !performed.stopped) return false
  return !(performed.error instanceof RetryableError) && !errorIs(performed.error, ErrLostLease)
}

function verdict({ status }: Outcome): string {
  if (status === 'PENDING') return 'job is to be run again'
  return status === 'PANIC' ? 'job panicked' : 'job failed'
}
