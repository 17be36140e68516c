import type { Clock } from './clock.ts'
import type { Context } from './context.ts'
import { warnSlow } from './run.ts'
import { slowRuns, type WatchedRuns } from './slow-runs.ts'

/** Has the sweep for slow runs watch one worker's successive runs. */
export class RunWatch implements WatchedRuns {
  readonly #clock: Clock
  #context: Context | undefined
  #warned = false
  #warnAfterMs: () => number = () => Infinity
  runningSince: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param warnAfterMs called at the first sweep, since most runs end before it */
  begin(context: Context, warnAfterMs: () => number): void {
    this.#context = context
    this.#warned = false
    this.#warnAfterMs = warnAfterMs
    this.runningSince = this.#clock.elapsed()
    slowRuns(this.#clock).add(this)
    slowRuns(this.#clock).began()
  }

  end(): void {
    this.runningSince = undefined
    slowRuns(this.#clock).remove(this)
  }

  get warnAfterMs(): number {
    return this.#warned ? Infinity : this.#warnAfterMs()
  }

  warnSlow(): void {
    this.#warned = true
    warnSlow(this.#context!, this.#clock.elapsed() - this.runningSince!)
  }
}
