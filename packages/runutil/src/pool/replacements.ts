import { backoff } from '../core/backoff.ts'
import type { Clock, Timer } from '../core/clock.ts'
import { PoolDestroyedError } from './errors.ts'
import { Launch } from './launch.ts'
import type { StartGate } from './start-gate.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

/** The first replacement comes at once; those after it wait, while none of them is of any use. */
const waits = backoff({ initial: '100ms', max: '5s', jitterProportion: 0.5 })

/** How a worker came to be here. */
export interface Lineage {
  /** How many before it, in a row, ended before they were of any use. */
  readonly attempt: number
  readonly bornMs: number
}

export interface ReplacementsProps {
  readonly clock: () => Clock
  readonly gate: StartGate
  /** @returns what was spawned; its `start` is awaited here */
  readonly spawn: () => WorkerProcess
  readonly joined: (worker: WorkerProcess, lineage: Lineage) => void
  /** The replacement failed; another one follows. */
  readonly failed: (worker: WorkerProcess | undefined, error: Error) => void
}

/** Workers that are on their way, one by one, each as often as it takes. */
export class Replacements {
  readonly #props: ReplacementsProps
  /** Each is one worker to come: it waits for its time, or for its handshake. */
  readonly #coming = new Set<{ cancel(): void }>()

  constructor(props: ReplacementsProps) {
    this.#props = props
  }

  /** How many workers are on their way. */
  get count(): number {
    return this.#coming.size
  }

  add(attempt = 0): void {
    const { clock } = this.#props
    const delayMs = waits.duration(attempt - 1, clock())
    if (delayMs === 0) return this.#launch(attempt)
    const timer: Timer = clock().setTimeout(() => {
      this.#coming.delete(coming)
      this.#launch(attempt)
    }, delayMs)
    const coming = { cancel: () => timer.clear() }
    this.#coming.add(coming)
  }

  /** None of them comes any more. */
  cancelAll(): void {
    for (const coming of this.#coming) coming.cancel()
    this.#coming.clear()
  }

  #launch(attempt: number): void {
    const launch = new Launch(this.#props.gate, this.#props.spawn)
    const coming = { cancel: () => void launch.cancel() }
    this.#coming.add(coming)
    launch.up.then(
      (worker) => {
        if (!this.#coming.delete(coming)) return
        this.#props.joined(worker, { attempt, bornMs: this.#props.clock().elapsed() })
      },
      (error: Error) => {
        if (!this.#coming.delete(coming) || error instanceof PoolDestroyedError) return
        // First: who hears of it may destroy the pool.
        this.add(Math.max(attempt, 1) + 1)
        this.#props.failed(launch.worker, error)
      },
    )
  }
}

/**
 * The attempt that the replacement of `worker` is. Of use is one that was given a task, or was there for as long as
 * the longest wait.
 */
export function attemptAfter({ attempt, bornMs }: Lineage, worker: WorkerProcess, nowMs: number): number {
  return worker.begun || nowMs - bornMs > waits.maxMs ? 0 : attempt + 1
}
