import { offAbort, onAbort } from '../core/abort.ts'
import { AsyncScope } from '../core/async-scope.ts'
import type { Timer } from '../core/clock.ts'
import { Context, currentContext, enterContext, newScope } from '../core/context.ts'
import { type Duration, toIntervalMs } from '../core/duration.ts'
import { checkpoint } from '../core/health.ts'
import { type Job, type JobFunc, callJob, checkJob } from '../core/job.ts'
import { checkOptions } from '../core/options.ts'
import type { Worker } from '../core/worker.ts'
import { runs } from './named.ts'

export interface RepeatOptions {
  /** Run once at the start too; the schedule begins when that run has ended. Default false. */
  startImmediately?: boolean | undefined
}

/**
 * Runs a job again and again, `every` being the time between starts.
 *
 * Starts lie on a fixed schedule that does not drift, and runs never overlap: after a run that took longer, one missed start runs
 * at once, late, and further ones are dropped. An error ends the worker with that error; no run starts after the abort. Each
 * run is a health checkpoint, has a trace span of its own, and runs in the AsyncLocalStorage stores in which the worker was started.
 *
 * Not for a time of day: the schedule begins when the worker starts.
 *
 * @throws InvalidDurationError, InvalidArgumentError at the call
 *
 * @example
 * repeat('5s', async (signal) => sync(signal), { startImmediately: true })
 */
export function repeat(every: Duration, job: Job | JobFunc, options: RepeatOptions = {}): Worker {
  const everyMs = toIntervalMs(every, 'repeat')
  checkJob(job, 'repeat')
  const { startImmediately = false } = checkOptions('repeat', options, ['startImmediately'])
  return new RepeatWorker(everyMs, job, startImmediately)
}

class RepeatWorker implements Worker {
  readonly [runs]: Job | JobFunc
  readonly #everyMs: number
  readonly #job: Job | JobFunc
  readonly #startImmediately: boolean

  constructor(everyMs: number, job: Job | JobFunc, startImmediately: boolean) {
    this.#everyMs = everyMs
    this[runs] = this.#job = job
    this.#startImmediately = startImmediately
  }

  run(signal: AbortSignal): Promise<void> {
    const ticker = new Ticker(this.#job, this.#everyMs, signal)
    return new Promise((resolve, reject) => ticker.start(this.#startImmediately, resolve, reject))
  }
}

/**
 * waiting ─► running ─► waiting …, until the abort or an error ends it.
 *
 * No async function and nothing allocated that a tick doesn't need: a thousand of these at 10 ms should cost
 * little more than a thousand bare intervals.
 */
class Ticker {
  readonly #everyMs: number
  readonly #signal: AbortSignal
  readonly #context = currentContext() ?? new Context(newScope({}), '')
  readonly #clock = this.#context.scope.clock
  readonly #scope = new AsyncScope()
  readonly #tick: () => void
  /** The job, with its context and its signal. */
  readonly #call: () => Promise<void> | void
  readonly #succeeded: () => void
  readonly #failed: (error: unknown) => void
  readonly #aborted: () => void
  #resolve: () => void = noop
  #reject: (error: unknown) => void = noop
  /** Start k is due at `#origin + k * #everyMs`. */
  #origin = 0
  #lastTick = 0
  #timer: Timer | undefined
  #running = false
  /** As `signal.aborted`, which is slower to read. */
  #stopping = false

  constructor(job: Job | JobFunc, everyMs: number, signal: AbortSignal) {
    this.#everyMs = everyMs
    this.#signal = signal
    // Not as field initialisers: V8 gives a function a dictionary of 250 bytes to hold a private field's name.
    this.#tick = () => this.#begin()
    this.#call = () => {
      // Cheaper than `withContext`: the surrounding scope ends anyway.
      enterContext(this.#context.child())
      return callJob(job, signal)
    }
    this.#succeeded = () => this.#succeed()
    this.#failed = (error) => this.#fail(error)
    this.#aborted = () => this.#stop()
  }

  start(immediately: boolean, resolve: () => void, reject: (error: unknown) => void): void {
    this.#resolve = resolve
    this.#reject = reject
    onAbort(this.#signal, this.#aborted)
    if (this.#stopping) return
    if (immediately) {
      this.#lastTick = -1
      this.#run()
    } else {
      this.#beginSchedule()
    }
  }

  #beginSchedule(): void {
    this.#origin = this.#clock.elapsed()
    this.#lastTick = 0
    this.#scheduleNext()
  }

  /** A missed start runs now, after other work of this turn. */
  #scheduleNext(): void {
    const next = this.#origin + (this.#lastTick + 1) * this.#everyMs
    if (this.#timer === undefined) this.#timer = this.#clock.setTimeoutAt(this.#tick, next)
    else this.#timer.restartAt(next)
  }

  #begin(): void {
    // A late timer has passed more than one start; the clock's rounding may have it here just before the first.
    const passed = Math.floor((this.#clock.elapsed() - this.#origin) / this.#everyMs)
    this.#lastTick = Math.max(this.#lastTick + 1, passed)
    this.#run()
  }

  #run(): void {
    this.#running = true
    try {
      const running: Promise<void> | void | undefined = this.#scope.runFresh(this.#call)
      if (typeof running?.then === 'function') {
        promiseOf(running).then(this.#succeeded, this.#failed)
        return
      }
    } catch (error) {
      this.#failed(error)
      return
    }
    this.#succeeded()
  }

  #succeed(): void {
    this.#running = false
    checkpoint(this.#context, 'ok')
    if (this.#stopping) this.#resolve()
    else if (this.#lastTick < 0) this.#beginSchedule()
    else this.#scheduleNext()
  }

  #fail(error: unknown): void {
    if (!this.#stopping) checkpoint(this.#context, 'firing')
    offAbort(this.#signal, this.#aborted)
    this.#reject(error)
  }

  #stop(): void {
    this.#stopping = true
    this.#timer?.clear()
    if (!this.#running) this.#resolve()
  }
}

/** Settles once, whatever the `then` of a user's promise does. */
function promiseOf(running: Promise<void>): Promise<void> {
  return running instanceof Promise ? running : Promise.resolve(running)
}

function noop(): void {}
