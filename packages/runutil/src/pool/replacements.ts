import { backoff } from '../core/backoff.ts'
import type { Timer } from '../core/clock.ts'
import { PoolDestroyedError } from './errors.ts'
import { Launch } from './launch.ts'
import type { PoolContext } from './pool-context.ts'
import type { StartGate } from './start-gate.ts'
import type { WorkerFactory } from './worker-factory.ts'
import type { SupervisedWorker } from './worker/supervised-worker.ts'

/** The first replacement starts at once; later ones back off, until one has been useful. */
const waits = backoff({ initial: '100ms', max: '5s', jitterProportion: 0.5 })

/** The history of a worker's start. */
export interface StartHistory {
  /** How many consecutive workers before this one ended without having been useful. */
  readonly attempt: number
  readonly startedMs: number
}

interface ReplacementsProps {
  readonly context: PoolContext
  readonly gate: StartGate
  readonly factory: WorkerFactory
  readonly listener: ReplacementsListener
}

export interface ReplacementsListener {
  started(worker: SupervisedWorker, history: StartHistory): void
  /** The replacement failed; another one follows. */
  failed(worker: SupervisedWorker | undefined, error: Error): void
}

/** Workers that are starting; each start is retried until it succeeds. */
export class Replacements {
  readonly #props: ReplacementsProps
  /** Starts in progress: each is waiting for its backoff or its handshake. */
  readonly #starting = new Set<{ cancel(): void }>()

  constructor(props: ReplacementsProps) {
    this.#props = props
  }

  /** How many workers are starting. */
  get count(): number {
    return this.#starting.size
  }

  add(attempt = 0): void {
    const { clock } = this.#props.context
    const delayMs = waits.duration(attempt - 1, clock)
    if (delayMs === 0) return this.#launch(attempt)
    const timer: Timer = clock.setTimeout(() => {
      this.#starting.delete(starting)
      this.#launch(attempt)
    }, delayMs)
    const starting = { cancel: () => timer.clear() }
    this.#starting.add(starting)
  }

  /** Cancels all starts in progress. */
  cancelAll(): void {
    for (const starting of this.#starting) starting.cancel()
    this.#starting.clear()
  }

  #launch(attempt: number): void {
    const { context, gate, factory, listener } = this.#props
    const launch = new Launch(gate, factory)
    const starting = { cancel: () => void launch.cancel() }
    this.#starting.add(starting)
    launch.up.then(
      (worker) => {
        if (!this.#starting.delete(starting)) return
        listener.started(worker, { attempt, startedMs: context.clock.elapsed() })
      },
      (error: Error) => {
        if (!this.#starting.delete(starting) || error instanceof PoolDestroyedError) return
        // Before the listener is called, since it may destroy the pool.
        this.add(Math.max(attempt, 1) + 1)
        listener.failed(launch.worker, error)
      },
    )
  }
}

/**
 * The attempt number of the replacement of `worker`. A worker has been useful if it was given a task, or was up for as long as
 * the longest backoff.
 */
export function attemptAfter(
  { attempt, startedMs }: StartHistory,
  worker: SupervisedWorker,
  nowMs: number,
): number {
  return worker.begun || nowMs - startedMs > waits.maxMs ? 0 : attempt + 1
}
