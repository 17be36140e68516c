import { offAbort, onAbort } from '../core/abort.ts'
import { callScopes } from '../core/call-scope.ts'
import { timerFor } from '../core/clock-system.ts'
import { elapsedNow, type Timer } from '../core/clock.ts'
import { Context, type Schedule, currentContext, newScope, storage } from '../core/context.ts'
import { dateAt } from '../core/date-at.ts'
import { checkpoint } from '../core/health.ts'
import { TriggeredRuns } from '../core/run-record.ts'
import type { LiveFacts, RunControls, RunningRun } from '../core/worker-record.ts'
import { callJob, type Job, type JobFunc, promiseOf } from '../core/job.ts'
import { numberRows } from '../core/number-rows.ts'
import { callRun } from '../core/run-tracer.ts'
import { defaultWarnAfterMs, type RunLimits, runWithin, warnSlow } from '../core/run.ts'
import { slowRuns, type WatchedRuns } from '../core/slow-runs.ts'
import { SystemTimer } from '../core/system-timer.ts'
import type { TickerSettings } from './ticker-settings.ts'

/** Of runs, which each have a context. */
const scopeOfRuns = callScopes(storage)

/** What is where in the row of a ticker, all by `elapsed()`: start k of its schedule is due at ORIGIN + k * everyMs. One is free. */
const ORIGIN = 0
const NEXT_AT = 1
/** The start of the current or last run. */
const STARTED_AT = 2
const newRow = numberRows(4)

/**
 * waiting ─► running ─► waiting …, until the abort or an error ends it.
 *
 * No async functions and no needless allocation per tick: a thousand of these at 10 ms should cost little more than a
 * thousand bare intervals.
 */
export class Ticker extends SystemTimer implements WatchedRuns, RunControls, LiveFacts, Schedule {
  // What each tick needs stands first, since a tick of many workers mostly waits for memory.
  readonly #context = currentContext() ?? new Context(newScope({}), '')
  readonly #clock = this.#context.scope.clock
  readonly #scope = scopeOfRuns()
  readonly #signal: AbortSignal
  readonly #job: Job | JobFunc
  readonly #limits: RunLimits | undefined
  readonly #everyMs: number
  readonly #jitterMs: number
  readonly #numbers: Float64Array
  readonly #at: number
  #lastTick = 0
  /** How many starts were dropped since the previous run. */
  #missed = 0
  /** This object, if its clock is the system's. */
  #timer: Timer | undefined
  /** The context of the current run, once its job has returned a promise: a young object that an old one refers to costs a write barrier. */
  #run: Context | undefined
  #isRunning = false
  #isPaused = false
  /** Mirrors the signal's `aborted`, which is slower to read. */
  #stopping = false
  /** Created when an operator first triggers a run. */
  #triggered: TriggeredRuns | undefined
  readonly #aborted: () => void
  readonly #sweep = slowRuns(this.#clock)
  #warned: Context | undefined
  #resolve!: () => void
  #reject!: (error: unknown) => void

  constructor({ job, everyMs, jitterMs, limits }: TickerSettings, signal: AbortSignal) {
    super()
    const { numbers, at } = newRow()
    this.#numbers = numbers
    this.#at = at
    numbers[at + NEXT_AT] = NaN
    this.#job = job
    this.#everyMs = everyMs
    this.#jitterMs = jitterMs
    this.#limits = limits
    this.#signal = signal
    // Not in field initialisers: V8 gives such a function a dictionary of 250 bytes for the private field's name.
    this.#aborted = () => this.#stop()
  }

  #get(what: number): number {
    return this.#numbers[this.#at + what]!
  }

  static readonly #call = (ticker: Ticker, context: Context): Promise<void> | void => {
    // Looked for here, so that a run without a tracer creates no function.
    return context.scope.records.tracer === undefined
      ? ticker.#callJob(context)
      : callRun(context, ticker.#signal, () => ticker.#callJob(context))
  }

  #callJob(context: Context): Promise<void> | void {
    if (this.#limits === undefined) return callJob(this.#job, this.#signal)
    return runWithin(this.#limits, context, this.#signal, (abort) => callJob(this.#job, abort))
  }

  get runningSince(): number | undefined {
    return this.#isRunning ? this.#get(STARTED_AT) : undefined
  }

  get warnAfterMs(): number {
    return defaultWarnAfterMs(this.#everyMs)
  }

  warnSlow(): void {
    if (this.#run === undefined || this.#warned === this.#run) return
    this.#warned = this.#run
    warnSlow(this.#run, this.#clock.elapsed() - this.#get(STARTED_AT))
  }

  start(immediately: boolean, resolve: () => void, reject: (error: unknown) => void): void {
    this.#resolve = resolve
    this.#reject = reject
    onAbort(this.#signal, this.#aborted)
    if (this.#stopping) return
    if (this.#limits?.warnAfterMs === undefined) this.#sweep.add(this)
    this.#offerControls()
    if (!immediately || this.#isPaused) return this.#beginSchedule()
    this.#numbers[this.#at + ORIGIN] = this.#clock.elapsed()
    this.#lastTick = -1
    if (this.#jitterMs === 0) this.#start()
    else this.#scheduleAt(this.#get(ORIGIN))
  }

  #offerControls(): void {
    const { record } = this.#context
    if (record === undefined) return
    record.controls = this
    record.live = this
    if (record.isPaused) this.pause()
  }

  pause(): void {
    this.#isPaused = true
    this.#timer?.clear()
    // Nobody waits for a first run that doesn't come.
    if (this.#lastTick < 0 && !this.#isRunning) this.#context.record?.ready()
  }

  /** Continues with the next start of the schedule. Starts that passed during the pause do not count as missed. */
  resume(): void {
    this.#isPaused = false
    if (this.#lastTick >= 0) this.#lastTick = Math.max(this.#lastTick, this.#passed)
    if (!this.#isRunning && !this.#stopping) this.#goOn()
  }

  /** Runs now, or right after the current run. */
  trigger(): Promise<void> {
    this.#triggered ??= new TriggeredRuns()
    const run = this.#triggered.ask()
    if (!this.#isRunning) this.#start()
    return run
  }

  running(): RunningRun | undefined {
    if (!this.#isRunning) return undefined
    const startedAt = dateAt(this.#clock, this.#get(STARTED_AT))
    // Before its job has returned, only that can ask.
    const run = this.#run ?? currentContext()
    return { startedAt, traceId: this.#context.id, progress: run?.progress }
  }

  nextRunAt(): Date | undefined {
    const waits = !this.#isRunning && !this.#isPaused
    return waits && !Number.isNaN(this.#get(NEXT_AT)) ? dateAt(this.#clock, this.#get(NEXT_AT)) : undefined
  }

  /** By the number of its start: most runs are never asked for its date. */
  #newRun(): Context {
    const isAsked = this.#triggered?.isOn === true
    if (this.#lastTick > 0 && !isAsked) return this.#context.child(this, this.#lastTick, this.#missed)
    const scheduledFor = dateAt(this.#clock, isAsked ? this.#get(STARTED_AT) : this.#get(ORIGIN))
    return this.#context.child({ scheduledFor, missed: 0 })
  }

  dateOf(tick: number): Date {
    return dateAt(this.#clock, this.#dueAt(tick))
  }

  #dueAt(tick: number): number {
    return this.#get(ORIGIN) + tick * this.#everyMs
  }

  #beginSchedule(): void {
    this.#context.record?.ready()
    this.#numbers[this.#at + ORIGIN] = this.#clock.elapsed()
    this.#lastTick = 0
    this.#scheduleNext()
  }

  /** A start missed in the meantime runs now, after other pending work of the event loop. */
  #scheduleNext(): void {
    if (this.#isPaused) return
    this.#scheduleAt(this.#dueAt(this.#lastTick + 1))
  }

  #scheduleAt(due: number): void {
    const next = this.#jitterMs === 0 ? due : due + this.#clock.random() * this.#jitterMs
    this.#numbers[this.#at + NEXT_AT] = next
    if (this.#timer === undefined) this.#timer = timerFor(this, this.#clock, next)
    else this.#timer.restartAt(next)
  }

  override fire(): void {
    if (this.#lastTick >= 0) this.#count()
    this.#start()
  }

  #count(): void {
    // A late timer may have passed several starts; the clock's rounding may bring it here just before the first.
    const next = this.#lastTick + 1
    this.#lastTick = Math.max(next, this.#passed)
    this.#missed = this.#lastTick - next
    if (this.#missed > 0) this.#context.record?.missedRuns(this.#missed)
  }

  /** How many starts of the schedule have come. */
  get #passed(): number {
    return Math.floor((this.#clock.elapsed() - this.#get(ORIGIN)) / this.#everyMs)
  }

  #start(): void {
    if (this.#triggered !== undefined) {
      this.#triggered.begin()
      this.#timer?.clear()
    }
    this.#numbers[this.#at + STARTED_AT] = this.#clock.elapsed()
    this.#isRunning = true
    this.#context.record?.signOfLife()
    try {
      const run = this.#newRun()
      const running: Promise<void> | void | undefined = this.#scope.call(run, Ticker.#call, this)
      if (typeof running?.then === 'function') {
        this.#run = run
        // Another run may start in this turn, after what this one has done so far.
        if (this.#context.record?.wasLastRunShort !== true) elapsedNow(this.#clock)
        this.#sweep.began()
        // New functions each time: two that are kept would be memory to wait for.
        promiseOf(running).then(
          () => this.#succeed(),
          (error: unknown) => this.#fail(error),
        )
        return
      }
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#succeed()
  }

  #succeed(): void {
    this.#context.record?.ran(this.#get(STARTED_AT))
    this.#isRunning = false
    this.#run = undefined
    checkpoint(this.#context, 'ok')
    this.#triggered?.end()
    this.#goOn()
  }

  #goOn(): void {
    if (this.#stopping) this.#end()
    else if (this.#triggered?.isAny === true) this.#start()
    else if (this.#lastTick < 0) this.#beginSchedule()
    else this.#scheduleNext()
  }

  #fail(error: unknown): void {
    this.#context.record?.ran(this.#get(STARTED_AT), error)
    if (!this.#stopping) checkpoint(this.#context, 'firing')
    this.#triggered?.end({ error })
    this.#triggered?.stop(error)
    this.#leave()
    this.#reject(error)
  }

  #stop(): void {
    this.#stopping = true
    this.#timer?.clear()
    this.#sweep.remove(this)
    if (!this.#isRunning) this.#end()
  }

  #end(): void {
    this.#triggered?.stop(this.#signal.reason)
    this.#forgetControls()
    this.#resolve()
  }

  #forgetControls(): void {
    const { record } = this.#context
    if (record?.controls === this) record.controls = undefined
    if (record?.live === this) record.live = undefined
  }

  #leave(): void {
    offAbort(this.#signal, this.#aborted)
    this.#forgetControls()
    this.#sweep.remove(this)
  }
}
