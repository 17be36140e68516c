import { inNewScope } from '../core/async-scope.ts'
import type { Clock, Timer } from '../core/clock.ts'
import { Context, currentContext, newScope, withContext } from '../core/context.ts'
import type { Progress } from '../core/progress.ts'
import { linkedController } from '../core/linked-controller.ts'
import { SerialQueue } from '../core/serial-queue.ts'
import { sleep } from '../core/wait.ts'
import { AttemptCalls } from './attempt-calls.ts'
import type { AttemptHandle } from './attempt-handle.ts'
import { AttemptsExpiringError, attemptLost } from './errors.ts'
import { HeldAttempts } from './held-attempts.ts'
import type { CoordinateWorkerRecord } from './model.ts'
import type { CoordinateTask } from './worker-settings.ts'

export interface RunningTaskProps {
  readonly child: CoordinateWorkerRecord
  readonly attempts: AttemptHandle[]
  /** When they were requested, by the clock's `elapsed`. */
  readonly askedAt: number
  readonly tasks: ReadonlyMap<string, CoordinateTask>
  readonly autoRenew: boolean
  readonly clock: Clock
  readonly onError: (error: unknown) => void
  /** One of its attempts was renewed, or has ended. */
  readonly onSign: () => void
}

/** The retry interval for an unreachable store; shorter for short leases. */
const MAX_RETRY_MS = 5_000

/** A set of attempts, from its lease until its task is done. */
export class RunningTask {
  readonly name: string
  readonly #props: RunningTaskProps
  readonly #controller = linkedController()
  /** The task's own. */
  readonly #context = (currentContext() ?? new Context(newScope({}), '')).child()
  readonly #held: HeldAttempts
  readonly #calls: AttemptCalls
  readonly #checks = new SerialQueue()
  #timer: Timer | undefined
  /** Whether to ask again soon, since the store couldn't be reached. */
  #retriesSoon = false
  #done = false

  constructor(props: RunningTaskProps) {
    this.#props = props
    this.#held = new HeldAttempts(props.attempts, props.askedAt)
    this.#calls = new AttemptCalls({ child: props.child, held: this.#held, onError: props.onError })
    this.name = props.attempts[0]!.workUnit.workSpec.name
    for (const attempt of props.attempts)
      attempt.watch({ onRenewal: () => this.#onRenewal(attempt), onEnded: props.onSign })
  }

  /** What the task last passed to `reportProgress`. */
  get progress(): Progress | undefined {
    return this.#context.progress
  }

  /** How many haven't ended. */
  get attempts(): number {
    return this.#held.all.length
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason)
  }

  async run(): Promise<void> {
    this.#watch(false)
    try {
      const task = await this.#task()
      const { attempts } = this.#props
      const call = (): Promise<void> | void => task?.(attempts, this.#controller.signal)
      await inNewScope(() => withContext(this.#context, call))
    } catch (error) {
      await this.#failUntilRecorded(error)
    } finally {
      this.#done = true
      this.#timer?.clear()
    }
  }

  /** Whether its attempts expired before they could be renewed, as after a suspension of the process. */
  get isOverdue(): boolean {
    const { autoRenew, clock } = this.#props
    return autoRenew && this.#held.hasExpired(clock.elapsed())
  }

  /** The task may have renewed or ended some of its attempts, and others may have taken some from it. */
  check(): Promise<void> {
    return this.#checks.run(() => this.#checkNow())
  }

  /** @returns undefined when there is no such task: then all attempts have been failed */
  async #task(): Promise<CoordinateTask | undefined> {
    const name = this.#props.attempts[0]!.leased.spec.task
    const found = this.#props.tasks.get(name)
    if (found === undefined) {
      const known = [...this.#props.tasks.keys()].join(', ')
      await this.#calls.failPending(new Error(`this worker has no task '${name}'; it has ${known || 'none'}`))
    }
    return found
  }

  /** Retries an unreachable store until the first of the attempts expires. */
  async #failUntilRecorded(error: unknown): Promise<void> {
    const { clock } = this.#props
    const expiresAt = this.#held.expiresAt
    while (!(await this.#calls.failPending(error)) && clock.elapsed() < expiresAt) {
      await sleep(clock, this.#retryMs, this.#controller.signal)
      if (this.#controller.signal.aborted) break
    }
  }

  async #checkNow(): Promise<void> {
    const { clock, autoRenew } = this.#props
    if (this.#done) return
    let knows = (await this.#refresh()) && (!autoRenew || (await this.#renew()))
    if (this.#done) return
    if (this.#held.isEmpty) {
      if (this.#calls.hasLost) this.abort(attemptLost())
      return
    }
    const { warning, alarm } = this.#held.deadlines(autoRenew)
    if (alarm <= clock.elapsed() || (warning <= clock.elapsed() && !autoRenew)) {
      this.abort(new AttemptsExpiringError(this.name))
    }
    if (alarm <= clock.elapsed() && !autoRenew) {
      knows = await this.#calls.failPending(new AttemptsExpiringError(this.name))
    }
    this.#retriesSoon = !knows
    this.#watch(this.#retriesSoon)
  }

  /** @returns whether the store could be reached */
  async #refresh(): Promise<boolean> {
    const { renewals } = this.#held
    const askedAt = this.#props.clock.elapsed()
    const active = await this.#calls.active()
    if (active === undefined) return false
    const isStale = (attempt: AttemptHandle): boolean => this.#held.wasRenewed(attempt, renewals)
    for (const attempt of active) if (!isStale(attempt)) this.#held.refreshed(attempt, askedAt)
    const ids = new Set(active.map(({ leased }) => leased.id))
    const missing = this.#held.all.filter((attempt) => !ids.has(attempt.leased.id) && !isStale(attempt))
    return this.#calls.forEach(missing, async (attempt) => {
      const isEnded = attempt.isEndRequested || !['pending', 'expired'].includes(await attempt.status())
      if (isEnded) this.#held.drop(attempt)
      // Expired; goes on unless another worker has taken its unit since.
      else if (this.#props.autoRenew) await this.#renewOne(attempt)
      else throw attemptLost()
    })
  }

  #renew(): Promise<boolean> {
    const due = this.#held.halfOver(this.#props.clock.elapsed())
    return this.#calls.forEach(due, (attempt) => this.#renewOne(attempt))
  }

  #renewOne(attempt: AttemptHandle): Promise<void> {
    return attempt.renew(this.#held.lifetimeMs)
  }

  /** Called for renewals by the task and by this class. */
  #onRenewal(attempt: AttemptHandle): (lifetimeMs: number) => void {
    const askedAt = this.#props.clock.elapsed()
    return (lifetimeMs) => {
      this.#props.onSign()
      this.#held.renewed(attempt, askedAt, lifetimeMs)
      this.#watch(this.#retriesSoon)
    }
  }

  get #retryMs(): number {
    return Math.min(MAX_RETRY_MS, this.#held.shortestMs / 12)
  }

  /** @param soon the store couldn't be reached */
  #watch(soon: boolean): void {
    const { clock, autoRenew } = this.#props
    const now = clock.elapsed()
    const retry = soon ? [now + this.#retryMs] : []
    const { warning, alarm } = this.#held.deadlines(autoRenew)
    const next = Math.min(...[warning, alarm].filter((at) => at > now), ...retry)
    this.#timer?.clear()
    if (next < Infinity && !this.#done) this.#timer = clock.setTimeoutAt(() => void this.check(), next)
  }
}
