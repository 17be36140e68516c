import { offAbort, onAbort } from '../core/abort.ts'
import type { Clock } from '../core/clock.ts'
import { keepAlive } from '../core/event-loop.ts'
import type { RunScope } from '../core/context.ts'
import { toError } from '../core/thrown.ts'
import { FreshScope } from '../core/fresh-scope.ts'
import { GroupControl } from './group-control.ts'
import { Census } from './census.ts'
import { type Child, type ChildHost, entryOf } from './child.ts'
import type { WorkerBody } from './worker-body.ts'
import { ErrWorkerExitedPrematurely, type Failure, SiblingExitedError, attribute } from './errors.ts'
import { type ExitVerdict, judgeEnd } from './exit-verdict.ts'
import { logFailure } from './failure-lines.ts'
import { GroupLines } from './group-lines.ts'
import { GroupStarts } from './group-starts.ts'
import { GroupStop } from './group-stop.ts'
import { giveUpLate, giveUpStopped } from './late-children.ts'
import { isUnrestartable } from './restart-errors.ts'
import type { Exit } from './restart-plan.ts'
import { Restarts } from './restarts.ts'
import type { StartOrder } from './start-order.ts'
import { StopReason } from './stop-reason.ts'
import type { WorkerState } from '../core/worker-state.ts'
import type { SupervisorProps } from './supervisor-props.ts'

/**
 * Runs workers together: restarts those that fail, alone or with others, and stops all when one fails for good.
 *
 * running ─► stopping ─► settled. `stopping` begins with the first reason to stop: the caller's abort, or an exit without a
 * restart. `settled` is reached when all have ended, or at the deadline.
 */
export class Supervisor implements ChildHost {
  readonly clock: Clock
  readonly scope: RunScope
  readonly children: Child[]
  readonly failures: Failure[] = []
  readonly order: StartOrder<Child>
  readonly #props: SupervisorProps
  readonly #restarts: Restarts
  readonly #scope = new FreshScope()
  readonly #starts: GroupStarts
  readonly #lines: GroupLines
  #stop: GroupStop | undefined
  readonly #reason = new StopReason()
  readonly #census: Census
  #settle: () => void = () => {}

  constructor(props: SupervisorProps) {
    this.#props = props
    this.scope = props.scope
    this.clock = props.scope.clock
    const { children, order } = props.children(this)
    this.children = children
    this.order = order
    this.#census = new Census(children, {
      onAllDone: () => props.endsWhenDone && this.#settle(),
      onReady: () => !this.#starts.isFirst && props.onReady(),
    })
    const { strategy, limit, record } = props
    const { clock } = this
    this.#starts = new GroupStarts({ children, clock, onFirstUp: () => entryOf(record)?.firstUp() })
    this.#lines = new GroupLines(this.scope, record, children)
    this.#restarts = new Restarts({
      record,
      strategy,
      limit,
      children,
      clock,
      start: (child) => this.#startAgain(child),
      onGaveUp: (child, error) => this.#lines.gaveUp(child, error),
    })
  }

  /** Settles when all have ended; the errors are in `failures`, the root cause first. @returns whether its caller stopped it */
  async run(): Promise<boolean> {
    const { signal, endsWhenDone, onReady, keepsAlive, record, added } = this.#props
    if (added !== undefined) record.host = this.#controlOf(added)
    if (this.children.length === 0 && endsWhenDone) return false
    const alive = keepsAlive ? keepAlive() : undefined
    const settled = new Promise<void>((resolve) => (this.#settle = resolve))
    const stop = (): void => this.stop(signal?.reason, true)
    onAbort(signal, stop)
    for (const child of this.children) this.#start(child)
    this.#starts.started()
    this.#lines.started()
    if (this.#census.areReady) onReady()
    await settled
    offAbort(signal, stop)
    this.#stop?.clear()
    record.records.lastToStop.leave(record)
    this.#starts.clear()
    alive?.clear()
    this.#lines.ended()
    for (const child of this.children) child.release()
    if (added !== undefined) record.host = undefined
    return this.#reason.isAbortOf(signal)
  }

  #controlOf(added: NonNullable<SupervisorProps['added']>): GroupControl {
    const { children, order } = this
    return new GroupControl({
      children,
      order,
      census: this.#census,
      restarts: this.#restarts,
      starts: this.#starts,
      reason: this.#reason,
      create: (parent, worker) => added(this, order, children, parent, worker),
      start: (child) => this.#start(child),
      hurry: (stopBy) => this.#stop?.hurry(stopBy),
    })
  }

  moved(child: Child, state: WorkerState): void {
    this.#lines.moved(child, state)
  }

  get isStopping(): boolean {
    return this.#reason.isGiven
  }

  anew(body: () => Promise<void>): Promise<void> {
    return this.#scope.run(body)
  }

  /** Starts a child after a restart delay, unless it is temporary or an operator stopped it. */
  #startAgain(child: Child): void {
    if (child.spec.restart === 'temporary' || child.isStopped || child.body !== undefined) return
    this.#start(child)
  }

  #start(child: Child): void {
    if (this.isStopping) return this.#stopped(child)
    this.#census.starts(child)
    this.#starts.start(child)
  }

  turned(child: Child): void {
    this.#starts.turned(child)
    this.#census.turned(child)
  }

  firstUp(child: Child): void {
    this.#starts.tried(child)
  }

  ended(child: Child, exit: Exit, body: WorkerBody): void {
    const { isStopping } = this
    const isByCaller = this.#reason.isAbortOf(this.#props.signal)
    this.#settleOne(child, judgeEnd(child, exit, body, { isStopping, isByCaller }))
    if (!this.isStopping) this.#starts.tried(child)
    this.#over(child)
  }

  /** It no longer runs, or nobody waits for it any more. */
  #over(child: Child): void {
    this.#stop?.ended(child)
    if (this.#stop?.isOver) this.#settle()
    this.#props.record.records.lastToStop.look()
  }

  #settleOne(child: Child, verdict: ExitVerdict): void {
    switch (verdict.kind) {
      case 'failed':
        return this.#failed(child, verdict.exit)
      case 'stopped':
        return this.#stopped(child)
      case 'stoppedBadly':
        return this.#stoppedBadly(child, verdict)
      case 'ignored':
        this.#ignored(child, verdict.error)
        break
      case 'done':
        // Whatever it reported on the way: it has done what it was there for.
        if (child.record.health === 'firing') child.record.health = 'ok'
        child.record.moveTo('done')
        break
      default:
        verdict satisfies never
    }
    child.turn(true)
    this.#census.done()
  }

  #ignored(child: Child, thrown: unknown): void {
    child.record.health = 'firing'
    child.record.failed(toError(thrown))
    logFailure(child, thrown)
  }

  #failed(child: Child, exit: Exit): void {
    const isThrown = exit.kind === 'threw'
    const error = isThrown ? toError(exit.error) : new ErrWorkerExitedPrematurely(child.path)
    attribute(error, child.path)
    if (isThrown) child.record.health = 'firing'
    if (child.outer === undefined) child.record.failed(error)
    // It hung, and then an operator stopped it: that holds.
    if (child.isStopped && !isUnrestartable(error)) return this.#stopped(child)
    const fatal = this.isStopping ? error : this.#restarts.decide(child, exit, error)
    if (fatal !== undefined) this.#fail(child, fatal)
  }

  #fail(child: Child, error: Error): void {
    this.#addFailure({ worker: child.path, error }, child)
    this.stop(new SiblingExitedError(child.path, error), false)
  }

  #stoppedBadly(child: Child, { error, isGroups }: Extract<ExitVerdict, { kind: 'stoppedBadly' }>): void {
    this.#stopped(child)
    if (isGroups) return this.#addFailure({ worker: child.path, error: toError(error) }, child)
    child.attempts?.endedForGood()
    logFailure(child, error)
  }

  #stopped(child: Child): void {
    const isRestarted = this.#restarts.isDue(child) && child.spec.restart !== 'temporary'
    if (child.outer !== undefined) return
    child.record.moveTo(isRestarted && !this.isStopping && !child.isStopped ? 'waiting' : 'stopped')
  }

  outlived(child: Child, cause: Error | undefined, forMs: number): void {
    this.#fail(child, giveUpStopped(child, cause, forMs))
    this.#over(child)
  }

  stop(reason: unknown, byCaller: boolean): void {
    if (!this.#reason.give(reason)) {
      // It stops by itself, and now has to be over by when its caller is.
      if (byCaller) this.#stop?.hurry(this.#props.onStop(true).endsAt ?? Infinity)
      return
    }
    this.#starts.clear()
    this.#restarts.stop(reason)
    for (const child of this.children) if (isToStart(child)) this.#stopped(child)
    const { endsAt, onLate } = this.#props.onStop(byCaller)
    this.#stop = new GroupStop({
      children: this.children,
      order: this.order,
      clock: this.clock,
      reason,
      endsAt,
      untilAlone: (isAlone) => this.#untilAlone(isAlone),
      onLate: (late, forMs) => onLate !== 'leave' && this.#late(late, onLate, forMs),
    })
    this.#stop.begin()
    if (this.#stop.isOver) this.#settle()
  }

  /** Calls back when the last of the group may be stopped. */
  #untilAlone(isAlone: () => void): void {
    const { records } = this.#props.record
    if (records.root.state === 'stopping') records.lastToStop.wait(this.#props.record, isAlone)
    else isAlone()
  }

  #late(late: readonly Child[], as: 'abandon' | 'hung', forMs: number): void {
    this.#addFailure(giveUpLate(late, as, forMs))
    this.#settle()
    this.#props.record.records.lastToStop.look()
  }

  #addFailure(failure: Failure, child?: Child): void {
    const { worker, error } = failure
    if (child !== undefined) attribute(error, worker)
    this.failures.push(failure)
    if (this.failures.length === 1) this.#props.onFirstFailure?.(error, child)
  }
}

/** Whether it is waiting to start. */
function isToStart({ body, record }: Child): boolean {
  return body === undefined && (record.state === 'waiting' || record.state === 'restarting')
}
