import { type RunControl, runControls, workerKind } from '../core/worker-kind.ts'
import type { Worker } from '../core/worker.ts'
import { WorkerRun } from './worker-run.ts'
import { type CoordinateWorkerOptions, resolveSettings } from './worker-settings.ts'

/**
 * Works on a namespace's units: a worker like any other, for a `workers()` list.
 *
 * @example
 * const worker = new CoordinateWorker({ namespace, tasks: { pages: (attempts, signal) => fetchAll(attempts, signal) } })
 * await runAllWorkers([worker], shutdownSignal())
 */
export class CoordinateWorker implements Worker {
  readonly [workerKind] = 'coordinate'
  readonly [runControls]: RunControl = 'pause'
  readonly #options: CoordinateWorkerOptions

  /** @throws InvalidArgumentError, InvalidDurationError */
  constructor(options: CoordinateWorkerOptions) {
    resolveSettings(options)
    this.#options = options
  }

  /**
   * Works until the signal aborts; then it requests nothing more, aborts its tasks, waits for them and expires the attempts
   * they leave pending, so that their units are available at once.
   *
   * @throws when it can't register itself
   */
  async run(signal: AbortSignal): Promise<void> {
    await new WorkerRun(resolveSettings(this.#options), signal).run()
  }
}
