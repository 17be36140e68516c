import type { Logger } from 'pino'
import type { LinkedController } from '../core/linked-controller.ts'
import type { Backoff } from '../core/backoff.ts'
import { brand } from '../core/brand.ts'
import type { Clock, Timer } from '../core/clock.ts'
import { type Context, type RunScope, withContext } from '../core/context.ts'
import { log } from '../core/log.ts'
import type { RecordOwner, WorkerRecord } from '../core/worker-record.ts'
import type { WorkerState } from '../core/worker-state.ts'
import { callWorker } from '../core/worker.ts'
import { Attempts } from './attempts.ts'
import type { ChildSpec } from './child-spec.ts'
import { ChildTimers } from './child-timers.ts'
import { StartTimeoutError, WorkerHungError } from './restart-errors.ts'
import type { Exit } from './restart-plan.ts'
import { RestartWindow } from './restart-window.ts'
import type { Place } from './start-order.ts'
import { WorkerBody } from './worker-body.ts'
import { WorkerTrace } from './worker-trace.ts'

/** How a child reports to its supervisor. */
export interface ChildHost {
  readonly clock: Clock
  readonly scope: RunScope
  /** Calls `body` in the AsyncLocalStorage stores in which the group was started. */
  anew(body: () => Promise<void>): Promise<void>
  ended(child: Child, exit: Exit, body: WorkerBody): void
  /** Called when `isUp` of the child has changed. */
  turned(child: Child): void
  /** Called when what the child supervises and comes before all others is up. */
  firstUp(child: Child): void
  moved(child: Child, state: WorkerState): void
  /** Called when the child was stopped and did not end within its limit. */
  outlived(child: Child, cause: Error | undefined, forMs: number): void
}

export interface ChildProps {
  readonly spec: ChildSpec
  readonly record: WorkerRecord
  /** The name of the group. */
  readonly prefix: string
  /** The delays between restarts; undefined: never restarted. */
  readonly backoff: Backoff | undefined
  /** Its name in log lines, if not its path. */
  readonly lineName?: string
  /** If it runs within the entry that has this record: the context that it is started in. */
  readonly inner?: Context
}

/** One worker of a supervisor: starts and stops it, and tracks its readiness. The supervisor decides on restarts. */
export class Child implements RecordOwner {
  readonly spec: ChildSpec
  readonly record: WorkerRecord
  readonly trace: WorkerTrace
  readonly attempts: Attempts | undefined
  readonly window: RestartWindow | undefined
  /** Its place in the start order. */
  place: Place<Child> | undefined
  /** The current run. Never two at once. */
  body: WorkerBody | undefined
  /** Whether an operator has stopped it. */
  isStopped = false
  /** Whether it is ready or done, so that workers after it may start. */
  isUp = false
  /** Whether it starts as soon as the workers before it are up. */
  isWaiting = false
  /** The delay of its restart. */
  delay: Timer | undefined
  /** Set if it runs within another entry, as under `retry()`, and shares that entry's record. */
  readonly outer: RecordOwner | undefined
  /** Its last logged start or end. */
  lastLine: 'started' | 'stopped' | 'done' | 'failed' | undefined
  readonly #host: ChildHost
  /** Most children need none. */
  #timers: ChildTimers | undefined
  static {
    brand(this, 'Child')
  }

  constructor(host: ChildHost, { spec, record, prefix, backoff, lineName = record.path, inner }: ChildProps) {
    this.#host = host
    this.spec = spec
    this.record = record
    const { limit, segment } = spec
    const name = prefix + segment === record.path ? record.path : prefix + segment
    this.attempts = backoff && new Attempts(backoff, host.clock)
    this.window = limit && new RestartWindow(limit)
    this.trace = new WorkerTrace({ scope: host.scope, record, name, lineName, inner })
    this.outer = inner && (record.owner ?? NO_OWNER)
    record.owner = this
  }

  get logger(): Logger {
    return this.trace.lines.logger
  }

  /** Called when its supervisor has ended. */
  release(): void {
    this.cancel()
    this.record.owner = this.outer
  }

  get path(): string {
    return this.record.path
  }

  get mayStart(): boolean {
    return this.place === undefined || this.place.waitsFor.every(({ missing }) => missing === 0)
  }

  start(controller: LinkedController, isFirst: boolean): void {
    const { record } = this
    const body = new WorkerBody(controller)
    this.body = body
    this.isWaiting = false
    this.attempts?.begin()
    record.signOfLife()
    this.turn(false)
    if (!isFirst) this.trace.begin()
    if (this.outer === undefined || !isFirst) {
      record.stopBy = undefined
      if (!record.makesRuns) record.runs++
      record.moveTo('starting')
    }
    const run = isFirst ? this.#run(body) : this.#host.anew(() => this.#run(body))
    run.then(
      () => this.#exited(body, { kind: 'returned' }),
      (error: unknown) => this.#exited(body, { kind: 'threw', error }),
    )
    if (this.body !== body || body.isStopping) return
    if (record.health === 'firing' && this.attempts) this.#timing.expectRecovery(this.attempts.recoveryMs)
    const { startTimeoutMs } = this.spec
    if (!record.isAwaited && startTimeoutMs === undefined) this.ready()
    else if (!this.isUp && this.outer === undefined) this.#limitStart(startTimeoutMs)
  }

  #run(body: WorkerBody): Promise<void> {
    const { tracer } = this.record.records
    const run = (): Promise<void> =>
      withContext(this.trace.context, callWorker, this.spec.worker, body.signal)
    return tracer === undefined ? run() : tracer.outside(run)
  }

  ready(): void {
    if (this.body === undefined || this.body.isStopping || this.isUp) return
    const { record, outer } = this
    this.#timers?.started()
    outer?.ready()
    // Within another entry, that entry has already become ready the first time.
    if (record.state === 'starting') record.moveTo(record.isPaused ? 'paused' : 'ready')
    const { watchdogMs } = this.spec
    if (watchdogMs !== undefined) this.#timing.watch(watchdogMs, () => this.#hangs(watchdogMs))
    this.turn(true)
  }

  get #timing(): ChildTimers {
    return (this.#timers ??= new ChildTimers(this.#host.clock, this.record))
  }

  #hangs(forMs: number): void {
    const error = new WorkerHungError(this.path, forMs, 'silent')
    const traceId = this.record.running?.traceId
    log(this.logger, 'warn', { ...(traceId !== undefined && { run: traceId }), forMs }, 'worker hangs')
    this.record.health = 'firing'
    this.record.moveTo('hung', { type: 'hung', forMs })
    this.endWith(error, this.stopLimitMs)
  }

  moved(state: WorkerState): void {
    this.#host.moved(this, state)
  }

  turn(isUp: boolean): void {
    if (this.isUp === isUp) return
    this.isUp = isUp
    this.#host.turned(this)
  }

  /** What it supervises and comes before all others is up. */
  firstUp(): void {
    this.#host.firstUp(this)
  }

  /** @param stopBy its deadline to end, on the scale of `clock.elapsed()` */
  abort(reason: unknown, stopBy?: number): void {
    const { body } = this
    if (body === undefined) return
    if (body.isStopping) return this.#hurry(stopBy)
    body.stops()
    if (this.outer === undefined) this.record.records.lastToStop.began(this.record)
    this.#clear()
    this.record.stopBy = stopBy
    if (this.record.state !== 'hung' && this.outer === undefined) this.record.moveTo('stopping')
    body.abort(reason)
  }

  /** Told to stop before, with more time. */
  #hurry(stopBy: number | undefined): void {
    const { record } = this
    if (stopBy === undefined || stopBy >= (record.stopBy ?? Infinity)) return
    record.stopBy = stopBy
    record.host?.hurry(stopBy)
  }

  /** Stops it, and resolves when it has ended. After `limitMs` it calls `outlived` instead, and never resolves. */
  stop(reason: unknown, limitMs: number): Promise<void> {
    const { body } = this
    if (body === undefined) return Promise.resolve()
    const { clock } = this.#host
    this.abort(reason, clock.elapsed() + limitMs)
    return body.untilEnd(clock, limitMs, () => {
      if (this.body === body) this.#host.outlived(this, body.failure, limitMs)
    })
  }

  /** Stops the current run for a failure, which becomes its error, however it ends. */
  endWith(failure: StartTimeoutError | WorkerHungError, limitMs: number): void {
    if (this.body === undefined || this.body.isStopping) return
    this.body.failure = failure
    void this.stop(failure, limitMs)
  }

  /** Stops waiting for its end. */
  giveUp(): void {
    this.body = undefined
    this.record.records.lastToStop.ended(this.record)
    this.#clear()
  }

  /** Cancels a pending start or restart. */
  cancel(): void {
    this.isWaiting = false
    this.delay?.clear()
    this.delay = undefined
  }

  #limitStart(givenMs: number | undefined): void {
    const { restart, first } = this.spec
    const isLimited = restart === 'permanent' || first === 'itself'
    const ms = givenMs ?? (isLimited ? DEFAULT_START_TIMEOUT_MS : undefined)
    if (ms === undefined) return
    const error = (): StartTimeoutError => new StartTimeoutError(this.path, ms)
    this.#timing.limitStart(ms, () => this.endWith(error(), this.stopLimitMs))
  }

  /** How long it may take to end when stopped apart from its group. */
  get stopLimitMs(): number {
    return this.spec.stopTimeoutMs ?? this.#host.scope.graceMs ?? DEFAULT_STOP_MS
  }

  #exited(body: WorkerBody, exit: Exit): void {
    if (this.body !== body) return
    this.body = undefined
    this.#clear()
    this.record.signOfLife()
    this.record.runEnded()
    if (this.outer === undefined) this.record.records.lastToStop.ended(this.record)
    this.#host.ended(this, exit, body)
    body.ended()
  }

  #clear(): void {
    this.#timers?.clear()
    if (this.body?.isStopping !== false) this.turn(false)
  }
}

/** The entry of a group that has this record, while the group runs. */
export function entryOf({ owner }: WorkerRecord): Child | undefined {
  let child = owner
  // `retry()` within an entry is not an entry of its own.
  while (child instanceof Child && child.outer !== undefined) child = child.outer
  return child instanceof Child ? child : undefined
}

/** The owner of a worker outside of any group. */
const NO_OWNER: RecordOwner = { ready: () => {}, moved: () => {} }

const DEFAULT_START_TIMEOUT_MS = 60_000
const DEFAULT_STOP_MS = 30_000
