import { inNewScope } from '../core/async-scope.ts'
import { Context, currentContext, newScope, withContext } from '../core/context.ts'
import { checkpoint } from '../core/health.ts'
import { callJob } from '../core/job.ts'
import { RunWatch } from '../core/run-watch.ts'
import { runWithin } from '../core/run.ts'
import { sleep } from '../core/wait.ts'
import type { CronProgress } from './cron-progress.ts'
import { type CronSettings, slowAfterMs } from './cron-settings.ts'

/** It looks at the wall clock so often: it may be set, and a machine that slept wakes in the middle of a wait. */
export const LONGEST_WAIT_MS = 60_000

/** waiting ─► running ─► waiting …, until the abort or an error ends it. */
export class CronRun {
  readonly #settings: CronSettings
  readonly #progress: CronProgress
  readonly #signal: AbortSignal
  readonly #context = currentContext() ?? new Context(newScope({}), '')
  readonly #clock = this.#context.scope.clock
  readonly #watch = new RunWatch(this.#clock)

  constructor(settings: CronSettings, progress: CronProgress, signal: AbortSignal) {
    this.#settings = settings
    this.#progress = progress
    this.#signal = signal
  }

  async run(): Promise<void> {
    this.#context.record?.ready()
    while (!this.#signal.aborted) await this.#step()
  }

  async #step(): Promise<void> {
    const waitMs = (await this.#progress.look(this.#settings, this.#clock)) ?? LONGEST_WAIT_MS
    if (this.#signal.aborted) return
    const instant = this.#progress.take()
    if (instant !== undefined) await this.#runFor(instant)
    // Other work gets its turn between two runs.
    await sleep(this.#clock, instant === undefined ? Math.min(waitMs, LONGEST_WAIT_MS) : 0, this.#signal)
  }

  async #runFor(instant: number): Promise<void> {
    const { limits, job } = this.#settings
    const run = { scheduledFor: new Date(instant), missed: this.#progress.takeMissed() }
    const context = this.#context.child(run)
    if (limits.warnAfterMs === undefined)
      this.#watch.begin(context, () => slowAfterMs(this.#settings, instant))
    try {
      const body = (signal: AbortSignal): Promise<void> | void => callJob(job, signal)
      await inNewScope(() => withContext(context, runWithin, limits, context, this.#signal, body))
      checkpoint(this.#context, 'ok')
    } catch (error) {
      if (!this.#signal.aborted) checkpoint(this.#context, 'firing')
      throw error
    } finally {
      this.#watch.end()
    }
  }
}
