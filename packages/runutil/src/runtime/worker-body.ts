import type { LinkedController } from '../core/linked-controller.ts'
import type { Clock } from '../core/clock.ts'
import { fairTimeout } from './fair-timeout.ts'
import type { StartTimeoutError, WorkerHungError } from './restart-errors.ts'

/**
 * One run of a worker's code, from its start to its end.
 *
 * running ─► stopping ─► ended. It is stopping once its signal has aborted, and may end without.
 */
export class WorkerBody {
  readonly #controller: LinkedController
  #isStopping = false
  #onEnd: (() => void)[] | undefined
  /** Set if the stop is a failure: not ready in time, or hung. */
  failure: StartTimeoutError | WorkerHungError | undefined

  constructor(controller: LinkedController) {
    this.#controller = controller
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  /** From here on it is stopping, though its signal has not aborted yet. */
  stops(): void {
    this.#isStopping = true
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason)
  }

  /** Resolves when it has ended. After `limitMs` calls `onLate` instead, and never resolves. */
  untilEnd(clock: Clock, limitMs: number, onLate: () => void): Promise<void> {
    return new Promise((resolve) => {
      const timer = fairTimeout(clock, limitMs, onLate)
      ;(this.#onEnd ??= []).push(() => {
        timer.clear()
        resolve()
      })
    })
  }

  ended(): void {
    for (const called of this.#onEnd ?? []) called()
  }
}
