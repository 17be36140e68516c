import { RunRecord, TriggeredRuns } from '../core/run-record.ts'
import { linkedController } from '../core/linked-controller.ts'
import { inNewScope } from '../core/async-scope.ts'
import { Context, type ScheduledRun, currentContext, newScope, withContext } from '../core/context.ts'
import { checkpoint } from '../core/health.ts'
import { callJob } from '../core/job.ts'
import { callRun } from '../core/run-tracer.ts'
import { RunWatch } from '../core/run-watch.ts'
import { runWithin } from '../core/run.ts'
import { sleep } from '../core/wait.ts'
import type { CronProgress } from './cron-progress.ts'
import { type CronSettings, slowAfterMs } from './cron-settings.ts'

/** The longest time between two looks at the wall clock, which may be set, or advance while the machine sleeps during a wait. */
export const LONGEST_WAIT_MS = 60_000

/** waiting ─► running ─► waiting …, until the abort or an error ends it. */
export class CronRun {
  readonly #settings: CronSettings
  readonly #progress: CronProgress
  readonly #signal: AbortSignal
  readonly #context = currentContext() ?? new Context(newScope({}), '')
  readonly #clock = this.#context.scope.clock
  readonly #watch = new RunWatch(this.#clock)
  readonly #runs = new RunRecord(this.#context)
  readonly #triggered = new TriggeredRuns()
  #paused = this.#runs.isPaused
  /** Ends the current wait. */
  #wake: () => void = () => {}

  constructor(settings: CronSettings, progress: CronProgress, signal: AbortSignal) {
    this.#settings = settings
    this.#progress = progress
    this.#signal = signal
  }

  async run(): Promise<void> {
    this.#control()
    this.#context.record?.ready()
    try {
      while (!this.#signal.aborted) await this.#step()
      this.#triggered.stop(this.#signal.reason)
    } catch (error) {
      this.#triggered.stop(error)
      throw error
    } finally {
      this.#runs.controlledBy(undefined)
      this.#runs.nextAt(undefined)
    }
  }

  async #step(): Promise<void> {
    if (this.#triggered.isAny) return this.#runTriggered()
    if (this.#paused) return this.#wait(LONGEST_WAIT_MS)
    const waitMs = (await this.#progress.advance(this.#settings, this.#clock)) ?? LONGEST_WAIT_MS
    if (this.#signal.aborted || this.#paused || this.#triggered.isAny) return
    this.#runs.nextAt(this.#progress.nextRunAt)
    const instant = this.#progress.take()
    if (instant !== undefined) {
      await this.#runFor({ scheduledFor: new Date(instant), missed: this.#progress.takeMissed() })
    }
    // Let other work run between two runs.
    await this.#wait(instant === undefined ? Math.min(waitMs, LONGEST_WAIT_MS) : 0)
  }

  async #wait(ms: number): Promise<void> {
    const woken = linkedController(this.#signal)
    this.#wake = () => woken.abort(undefined)
    await sleep(this.#clock, ms, woken.signal)
    woken.dispose()
  }

  #control(): void {
    const { pattern, timezone } = this.#settings
    this.#runs.describedBy(() => ({ pattern, timezone, next: this.#progress.nextRunAt }))
    this.#progress.onMissed = (count) => this.#runs.missed(count)
    const pause = (): void => {
      this.#paused = true
      this.#runs.nextAt(undefined)
    }
    const resume = (): void => {
      this.#paused = false
      this.#progress.skip(this.#clock.now())
      this.#wake()
    }
    const trigger = (): Promise<void> => {
      const ran = this.#triggered.ask()
      this.#wake()
      return ran
    }
    this.#runs.controlledBy({ pause, resume, trigger })
  }

  async #runTriggered(): Promise<void> {
    this.#triggered.begin()
    await this.#runFor({ scheduledFor: new Date(this.#clock.now()), missed: 0 })
    await this.#wait(0)
  }

  async #runFor(run: ScheduledRun): Promise<void> {
    const { limits, job } = this.#settings
    const instant = run.scheduledFor.getTime()
    const context = this.#context.child(run)
    if (limits.warnAfterMs === undefined)
      this.#watch.begin(context, () => slowAfterMs(this.#settings, instant))
    this.#runs.began(context)
    try {
      const body = (signal: AbortSignal): Promise<void> | void => callJob(job, signal)
      const call = (): Promise<void> => runWithin(limits, context, this.#signal, body)
      await inNewScope(() => withContext(context, callRun, context, this.#signal, call))
      checkpoint(this.#context, 'ok')
      this.#ended()
    } catch (error) {
      if (!this.#signal.aborted) checkpoint(this.#context, 'firing')
      this.#ended({ error })
      throw error
    } finally {
      this.#watch.end()
    }
  }

  #ended(thrown?: { error: unknown }): void {
    this.#runs.ended(thrown)
    this.#triggered.end(thrown)
  }
}
