import type { Clock, Timer } from '../core/clock.ts'
import { toError } from '../core/errors.ts'
import { LeasedAttempt } from './attempt.ts'
import type { CoordinateTask } from './coordinate-worker.ts'
import type { Attempt, CoordinateWorkerRecord } from './model.ts'

export interface RunningTaskProps {
  readonly child: CoordinateWorkerRecord
  readonly attempts: Attempt[]
  readonly tasks: ReadonlyMap<string, CoordinateTask>
  readonly autoRenew: boolean
  readonly clock: Clock
  /** Undefined when the call failed; that was told of. */
  readonly trying: <T>(call: () => Promise<T>) => Promise<T | undefined>
}

/** Before the first attempt of a task expires: so long before it is told to stop, and then given up. */
const WARNING_MS = 30_000
const ALARM_MS = 15_000

/** The attempts of a task are about to expire, and it hasn't renewed them. */
export class AttemptsExpiringError extends Error {
  readonly code = 'ERR_ATTEMPTS_EXPIRING'
  static {
    this.prototype.name = 'AttemptsExpiringError'
  }

  constructor(name: string) {
    super(`the attempts of task '${name}' are about to expire`)
  }
}

/** A set of attempts from when it was got until its task is done. */
export class RunningTask {
  readonly name: string
  readonly #props: RunningTaskProps
  readonly #controller = new AbortController()
  /** All of a set were leased for the same time. */
  readonly #lifetimeMs: number
  #timer: Timer | undefined
  #done = false

  constructor(props: RunningTaskProps) {
    this.#props = props
    const [first] = props.attempts as [LeasedAttempt]
    this.name = first.workUnit.workSpec.name
    this.#lifetimeMs = first.leased.expirationTime - first.leased.startTime
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason)
  }

  async run(): Promise<void> {
    const task = await this.#props.trying(() => this.#task())
    // Then all have failed, or the store can't be asked and they expire.
    if (task === undefined) return
    this.#watch(Math.min(...this.#props.attempts.map((attempt) => this.#nextLook(attempt as LeasedAttempt))))
    try {
      await task(this.#props.attempts, this.#controller.signal)
    } catch (error) {
      await this.#failPending(toError(error))
    } finally {
      this.#done = true
      this.#timer?.clear()
    }
  }

  async expireWhatIsLeft(): Promise<void> {
    const pending = await this.#pending()
    await Promise.all(pending.map((attempt) => this.#props.trying(() => attempt.expire())))
  }

  async #task(): Promise<CoordinateTask | undefined> {
    const { workSpec } = this.#props.attempts[0]!.workUnit
    const { task = workSpec.name } = await workSpec.data()
    const found = this.#props.tasks.get(String(task))
    if (found === undefined) {
      const known = [...this.#props.tasks.keys()].join(', ')
      await this.#failPending(
        new Error(`this worker has no task '${String(task)}'; it has ${known || 'none'}`),
      )
    }
    return found
  }

  async #failPending(error: Error): Promise<void> {
    const { message, stack } = error
    const why = { message, ...(stack !== undefined && { stack }) }
    const pending = await this.#pending()
    await Promise.all(
      pending.map((attempt) => this.#props.trying(() => attempt.fail({ ...attempt.leased.data, ...why }))),
    )
  }

  /** As they are now. */
  async #pending(): Promise<LeasedAttempt[]> {
    const active = (await this.#props.trying(() => this.#props.child.activeAttempts())) ?? []
    return active.filter((attempt) => attempt instanceof LeasedAttempt)
  }

  #watch(at: number): void {
    const { clock } = this.#props
    this.#timer = clock.setTimeout(() => void this.#look(), Math.max(0, at - clock.now()))
  }

  /** The task may have renewed or ended some of them. */
  async #look(): Promise<void> {
    const { clock, autoRenew } = this.#props
    const pending = await this.#pending()
    if (this.#done || pending.length === 0) return
    const now = clock.now()
    const due = (dueAt: (attempt: LeasedAttempt) => number) =>
      pending.filter((attempt) => dueAt(attempt) <= now)
    if (autoRenew) {
      const halfOver = due((attempt) => this.#nextLook(attempt))
      await Promise.all(halfOver.map((attempt) => this.#props.trying(() => attempt.renew(this.#lifetimeMs))))
    } else if (due((attempt) => this.#before(attempt, ALARM_MS, 1 / 4)).length > 0) {
      await this.#failPending(new AttemptsExpiringError(this.name))
    } else if (due((attempt) => this.#nextLook(attempt)).length > 0) {
      this.abort(new AttemptsExpiringError(this.name))
    }
    // What was renewed expires later now.
    this.#watchAgain(autoRenew ? await this.#pending() : pending)
  }

  #watchAgain(pending: readonly LeasedAttempt[]): void {
    const now = this.#props.clock.now()
    const next = pending
      .flatMap((attempt) => [this.#nextLook(attempt), this.#before(attempt, ALARM_MS, 1 / 4)])
      .filter((at) => at > now)
    if (next.length > 0 && !this.#done) this.#watch(Math.min(...next))
  }

  /** When it is renewed, or its task is warned. */
  #nextLook(attempt: LeasedAttempt): number {
    return this.#before(attempt, this.#props.autoRenew ? Infinity : WARNING_MS, 1 / 2)
  }

  /** So long before it expires, or by so much of its time where that is less. */
  #before({ leased }: LeasedAttempt, ms: number, part: number): number {
    return leased.expirationTime - Math.min(ms, this.#lifetimeMs * part)
  }
}
