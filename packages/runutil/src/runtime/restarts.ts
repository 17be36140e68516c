import { shortened } from '../core/describe.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { linkedController } from '../core/linked-controller.ts'
import { has } from '../core/has.ts'
import type { Clock } from '../core/clock.ts'
import { toError } from '../core/thrown.ts'
import { log } from '../core/log.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { Attempts } from './attempts.ts'
import type { Child } from './child.ts'
import { logFailure, logLastFailure } from './failure-lines.ts'
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
    const decision = this.#judge(child, attempts, thrown, failure)
    if (decision.kind === 'restart') {
      if (thrown !== undefined) logFailure(child, thrown.error, decision.delayMs)
      this.#restart(child, failure, decision.delayMs)
      return undefined
    }
    if (thrown !== undefined) logLastFailure(child, thrown.error)
    if (decision.kind === 'limit') this.#exceeded(decision)
    return decision.error
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

  #judge(child: Child, attempts: Attempts, thrown: { error: unknown } | undefined, failure: Error): Decision {
    const refused = thrown && refusalOf(child, thrown.error, failure)
    if (refused !== undefined) {
      attempts.endedForGood()
      return { kind: 'refused', error: refused }
    }
    try {
      const delayMs = attempts.ended(thrown)
      return this.#countIn(child, failure) ?? { kind: 'restart', delayMs }
    } catch (error) {
      return { kind: 'refused', error: toError(error) }
    }
  }

  /** A failure that joins the restart in progress is not counted. */
  #countIn(child: Child, failure: Error): LimitReached | undefined {
    if (this.#joint?.isOver === false && !isAlone(child)) return undefined
    const { limit, record, clock } = this.#props
    const { window, spec } = child
    const now = clock.elapsed()
    if (window?.isFull(now) === true) {
      return { kind: 'limit', child, error: new RestartLimitError(child.path, spec.limit!, failure) }
    }
    if (this.#window?.isFull(now) === true) {
      return { kind: 'limit', child: undefined, error: new RestartLimitError(record.path, limit!, failure) }
    }
    window?.add(now)
    this.#window?.add(now)
    return undefined
  }

  #exceeded({ child, error }: LimitReached): void {
    const record = child?.record ?? this.#props.record
    record.emit({ type: 'gaveUp', error })
    this.#props.onGaveUp(child, error)
  }

  #restart(child: Child, failure: Error, delayMs: number): void {
    const { strategy, children, clock } = this.#props
    const restarted = isAlone(child) ? [] : restartedWith(strategy, children, child)
    const others = restarted.filter((one) => one !== child && !isAlone(one))
    if (child.outer !== undefined) child.record.failed(failure)
    child.record.restarting(
      child.attempts!.count,
      delayMs,
      others.map(({ record }) => record),
    )
    if (strategy === 'one_for_one' || isAlone(child)) this.#startAfter(child, delayMs)
    else this.#startJointly(child, others, failure, clock.elapsed() + delayMs)
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

type Decision =
  | { readonly kind: 'restart'; readonly delayMs: number }
  /** By its `retryIf`, or its backoff has no valid delay. */
  | { readonly kind: 'refused'; readonly error: Error }
  | LimitReached

interface LimitReached {
  readonly kind: 'limit'
  /** Whose limit; undefined: the group's. */
  readonly child: Child | undefined
  readonly error: RestartLimitError
}

/** Whether it is restarted without others, and they without it, by any strategy: the run is watched by it. */
function isAlone({ spec }: Child): boolean {
  return spec.first === 'itself'
}

/** Some errors are not worth a restart, such as bad credentials. @returns the error that ends the worker; undefined: none */
function refusalOf({ spec: { retryIf }, path }: Child, thrown: unknown, failure: Error): Error | undefined {
  if (retryIf === undefined) return undefined
  try {
    const answer: unknown = retryIf(thrown)
    if (has(answer, 'then')) {
      // Its rejection would stop the process.
      void Promise.resolve(answer).then(undefined, () => {})
      return new InvalidArgumentError(
        `${shortened(path)}: retryIf: expected true or false; got a promise, which it cannot wait for; decide without await`,
        { cause: failure },
      )
    }
    return answer ? undefined : failure
  } catch {
    return failure
  }
}
