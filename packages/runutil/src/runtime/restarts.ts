import { linkedController } from '../core/linked-controller.ts'
import type { Clock } from '../core/clock.ts'
import { toError } from '../core/thrown.ts'
import { log } from '../core/log.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { Child } from './child.ts'
import { JointRestart } from './joint-restart.ts'
import { RestartLimitError, isUnrestartable } from './restart-errors.ts'
import { type Exit, type Strategy, restartedWith } from './restart-plan.ts'
import { type RestartLimit, RestartWindow } from './restart-window.ts'

export interface RestartsProps {
  readonly record: WorkerRecord
  readonly strategy: Strategy
  readonly limit: RestartLimit | undefined
  readonly children: readonly Child[]
  readonly clock: Clock
  /** Starts it as soon as the workers before it are ready, unless it was stopped meanwhile. */
  readonly start: (child: Child) => void
  /** @param child undefined: the group itself */
  readonly onGaveUp: (child: Child | undefined, error: RestartLimitError) => void
}

/** Decides which workers are restarted after a failure, and when; then restarts them. */
export class Restarts {
  readonly #props: RestartsProps
  readonly #window: RestartWindow | undefined
  readonly #stopped = linkedController()
  #joint: JointRestart | undefined

  constructor(props: RestartsProps) {
    this.#props = props
    this.#window = props.limit && new RestartWindow(props.limit)
  }

  /** @returns the error that ends the group; undefined if a restart was decided */
  decide(child: Child, exit: Exit, failure: Error): Error | undefined {
    const { attempts } = child
    if (attempts === undefined || isUnrestartable(failure)) return failure
    const thrown = exit.kind === 'threw' ? exit : undefined
    const isRefused = thrown !== undefined && !isAccepted(child, failure)
    let delayMs = 0
    try {
      if (isRefused) attempts.endedForGood()
      else delayMs = attempts.ended(thrown)
    } catch (error) {
      return toError(error)
    } finally {
      if (thrown !== undefined) child.logFailure(thrown.error, delayMs)
    }
    if (isRefused) return failure
    return this.#restart(child, failure, delayMs)
  }

  /** The group stops: nothing is restarted. */
  stop(reason: unknown): void {
    this.#stopped.abort(reason)
    for (const child of this.#props.children) child.cancel()
  }

  /** Whether a joint restart will start it again. */
  isDue(child: Child): boolean {
    return this.#joint?.has(child) === true
  }

  /** An operator starts it: it doesn't wait for the restart of others any more. */
  leave(child: Child): void {
    this.#joint?.leave(child)
  }

  #restart(child: Child, failure: Error, delayMs: number): Error | undefined {
    const { strategy, children, clock } = this.#props
    const now = clock.elapsed()
    const isJoining = this.#joint !== undefined && !this.#joint.isOver
    const gaveUp = isJoining ? undefined : this.#countIn(child, failure, now)
    if (gaveUp !== undefined) return gaveUp
    const others =
      strategy === 'one_for_one'
        ? []
        : restartedWith(strategy, children, child).filter((one) => one !== child)
    if (child.outer !== undefined) child.record.failed(failure)
    child.record.restarting(
      child.attempts!.count,
      delayMs,
      others.map(({ record }) => record),
    )
    if (strategy === 'one_for_one') this.#startAfter(child, delayMs)
    else this.#startJointly(child, others, failure, now + delayMs)
    return undefined
  }

  /** @returns an error if the limit is exceeded */
  #countIn(child: Child, failure: Error, now: number): Error | undefined {
    const { limit, record, onGaveUp } = this.#props
    const { window, spec } = child
    const isOwn = window?.isFull(now) === true
    if (isOwn || this.#window?.isFull(now) === true) {
      const who = isOwn ? child.record : record
      const error = new RestartLimitError(who.path, isOwn ? spec.limit! : limit!, failure)
      who.emit({ type: 'gaveUp', error })
      onGaveUp(isOwn ? child : undefined, error)
      return error
    }
    window?.add(now)
    this.#window?.add(now)
    return undefined
  }

  #startAfter(child: Child, delayMs: number): void {
    child.delay = this.#props.clock.setTimeout(() => {
      child.delay = undefined
      this.#props.start(child)
    }, delayMs)
  }

  #startJointly(child: Child, others: readonly Child[], failure: Error, at: number): void {
    const { clock, children, start } = this.#props
    const isNew = this.#joint === undefined || this.#joint.isOver
    const joint = isNew
      ? new JointRestart({ clock, children, signal: this.#stopped.signal, start })
      : this.#joint!
    this.#joint = joint
    joint.join([child, ...others], at, child, failure)
    if (isNew) void joint.run()
    else log(child.logger, 'warn', {}, 'joins the restart in progress')
  }
}

/** Some errors are not worth a restart, such as bad credentials. */
function isAccepted({ spec: { retryIf } }: Child, error: unknown): boolean {
  if (retryIf === undefined) return true
  try {
    return Boolean(retryIf(error))
  } catch {
    return false
  }
}
