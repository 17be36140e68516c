import { offAbort, onAbort } from '../core/abort.ts'
import { inNewScope } from '../core/async-scope.ts'
import { Context, currentContext, newScope, withContext } from '../core/context.ts'
import { type Duration, toStorableIntervalMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import { checkpoint, healthOf } from '../core/health.ts'
import { isAbortOf } from '../core/is-abort-of.ts'
import { linkedController } from '../core/linked-controller.ts'
import { logWarning } from '../core/log.ts'
import { checkName, checkOptions, checkText } from '../core/options.ts'
import { RenewedLease } from '../core/renewed-lease.ts'
import { type StoreTimeoutOptions, StoreTimeout } from '../core/store-timeout.ts'
import { sleep } from '../core/wait.ts'
import { type Worker } from '../core/worker.ts'
import { LeaseLostError } from './errors.ts'
import { withFence } from './fence.ts'
import type { LeaseAnswer, LeaseStore, LeaseUse } from './lease-store.ts'

/** How often it asks for a lease that another has and may release at any time. */
const POLL_MS = 1_000

/** One that got no answer for so long doesn't know how things are. */
const SILENT_MS = 5_000

/** How often one that is told to stop tries to release its lease, once every POLL_MS. */
const STOPPING_TRIES = 3

export interface LeaseOptions {
  /** How long after a process has died another takes over. Default 30 s. */
  lease?: Duration | undefined
}

export interface LeasedWork {
  readonly leases: LeaseStore
  readonly name: string
  readonly leaseMs: number
  /** Undefined: `run` ends the worker when it returns; else it is called again so long after its last start. */
  readonly everyMs: number | undefined
  readonly run: (signal: AbortSignal) => Promise<void> | void
}

/** @throws InvalidArgumentError, InvalidDurationError */
export function checkLease(what: string, leases: LeaseStore, name: string, options: LeaseOptions): number {
  if (!has(leases, 'acquire')) throw unexpected(what, 'a MemoryLeaseStore or PostgresLeaseStore', leases)
  checkName(name, `${what}: name`)
  checkText(name, `${what}: name`)
  const { lease = '30s' } = checkOptions(what, options, ['lease'])
  return toStorableIntervalMs(lease, `${what}: lease`)
}

export function leasedWorker(work: LeasedWork): Worker {
  return { run: (signal) => new LeasedRun(work, signal).run() }
}

/** asking ─► running ─► asking …, until the abort. Errors of the store are logged, and it asks again. */
class LeasedRun {
  readonly #work: LeasedWork
  readonly #signal: AbortSignal
  readonly #context = currentContext() ?? new Context(newScope({}), '')
  readonly #clock = this.#context.scope.clock
  readonly #timeout = new StoreTimeout(this.#clock, this.#context.scope.graceMs)
  /** What the store didn't answer to the last time. */
  #unheard: string | undefined

  constructor(work: LeasedWork, signal: AbortSignal) {
    this.#work = work
    this.#signal = signal
  }

  async run(): Promise<void> {
    onAbort(this.#signal, this.#timeout.stop)
    try {
      await this.#run()
    } finally {
      offAbort(this.#signal, this.#timeout.stop)
    }
  }

  async #run(): Promise<void> {
    const { leaseMs, everyMs } = this.#work
    while (!this.#signal.aborted) {
      const askedAt = this.#clock.elapsed()
      const answer = await this.#ask()
      if (answer?.kind !== 'acquired') await sleep(this.#clock, untilAsking(answer), this.#signal)
      // One that can't keep it leaves it to those that can.
      else if (!(await this.#hold(answer.fence, askedAt))) await sleep(this.#clock, leaseMs, this.#signal)
      else if (everyMs === undefined) return
    }
  }

  async #ask(): Promise<LeaseAnswer | undefined> {
    const { leases, name } = this.#work
    // What isn't known for long isn't 'ok'.
    const silence = this.#clock.setTimeout(
      () => this.#isUnheard('ask for', new Error(`no answer within ${SILENT_MS} ms`)),
      SILENT_MS,
    )
    const onLate = (late: LeaseAnswer): void => {
      if (late.kind === 'acquired') leases.release(name, late.fence, 'unused').catch(() => {})
    }
    const asking = (): Promise<LeaseAnswer> => leases.acquire(name, this.#work)
    // Told to stop, it waits for a moment for a store that answers, to free what it got.
    const givesUpAtStop = (): boolean => this.#unheard !== undefined
    const answer = await this.#attempt('ask for', asking, { givesUpAtStop, onLate })
    silence.clear()
    if (answer !== undefined) this.#standBy()
    return answer
  }

  /** To be there is all that one can do that has no lease; a run that failed before still counts. */
  #standBy(): void {
    if (healthOf(this.#context)?.state === 'init') checkpoint(this.#context, 'ok')
    this.#isHeard()
  }

  /** @returns false when the lease was lost meanwhile */
  async #hold(fence: number, askedAt: number): Promise<boolean> {
    const { leases, name, leaseMs, everyMs, run } = this.#work
    const controller = linkedController(this.#signal)
    const { signal } = controller
    const onLost = (): void => controller.abort(new LeaseLostError(name))
    const onError = (error: unknown): void => this.#isUnheard('renew', error)
    // One that isn't answered holds nothing up: without an answer, the lease is given up.
    const renew = async (): Promise<boolean> => {
      const renewed = await leases.renew(name, fence, leaseMs)
      this.#isHeard()
      return renewed
    }
    const lease = new RenewedLease({ leaseMs, clock: this.#clock, renew, onLost, onError }, askedAt)
    let failure: { error: unknown } | undefined
    try {
      // It was over, or this told to stop, before the store's answer came.
      lease.isLost()
      signal.throwIfAborted()
      await inNewScope(() => withContext(this.#context.child(), () => withFence(fence, () => run(signal))))
    } catch (error) {
      failure = { error }
    }
    controller.dispose()
    const wasCut = failure && isAbortOf(signal, failure.error)
    const isLost = lease.isLost()
    // Of a run that its signal cut short, the interval is left to another replica.
    const use = wasCut ? 'unused' : failure && everyMs !== undefined ? 'failed' : 'done'
    if (isLost)
      await this.#timeout.bound(leases.release(name, fence, use), { limitMs: leaseMs }).catch(() => {})
    else await this.#releaseWhileHeld(lease, fence, use)
    lease.stop()
    if (!isLost) {
      if (failure) throw failure.error
      checkpoint(this.#context, 'ok')
    }
    // Another has taken over, so this one's failure is not the worker's.
    else if (failure && !wasCut) this.#warn('failed without', failure.error)
    return !isLost
  }

  /**
   * Of work that is done once an interval, one that isn't released counts as that of a process that died, and is done
   * again: it is renewed, and tried again, for a while.
   */
  async #releaseWhileHeld(lease: RenewedLease, fence: number, use: LeaseUse): Promise<void> {
    const { leases, name, leaseMs, everyMs } = this.#work
    const release = (): Promise<boolean> => leases.release(name, fence, use).then(() => true)
    let tries = everyMs === undefined ? 1 : Math.ceil(leaseMs / POLL_MS)
    while (!(await this.#attempt('release', release)) && --tries > 0 && !lease.isLost()) {
      if (this.#signal.aborted) tries = Math.min(tries, STOPPING_TRIES - 1)
      await sleep(this.#clock, this.#signal.aborted ? this.#timeout.stoppingMs : POLL_MS)
    }
  }

  async #attempt<T>(
    what: string,
    call: () => Promise<T>,
    options: StoreTimeoutOptions<T> = {},
  ): Promise<T | undefined> {
    try {
      return await this.#timeout.bound(call(), { limitMs: this.#work.leaseMs, ...options })
    } catch (error) {
      if (!(options.givesUpAtStop !== undefined && this.#signal.aborted)) this.#isUnheard(what, error)
      return undefined
    }
  }

  /** Told of once an outage. */
  #isUnheard(what: string, error: unknown): void {
    if (this.#unheard !== what) this.#warn(`cannot ${what}`, error)
    this.#unheard = what
    checkpoint(this.#context, 'firing')
  }

  #isHeard(): void {
    if (this.#unheard !== undefined) checkpoint(this.#context, 'ok')
    this.#unheard = undefined
  }

  #warn(what: string, err: unknown): void {
    logWarning(this.#context.logger, err, `${what} lease ${this.#work.name}`)
  }
}

/** Who has it may release it any time, once it is due. */
function untilAsking(answer: Extract<LeaseAnswer, { kind: 'refused' }> | undefined): number {
  if (answer === undefined) return POLL_MS
  const { freeInMs, dueInMs } = answer
  return Math.max(1, freeInMs > 0 ? Math.min(freeInMs, Math.max(dueInMs, POLL_MS)) : dueInMs)
}
