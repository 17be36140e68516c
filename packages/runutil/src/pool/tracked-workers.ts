import type { Events } from '../core/events.ts'
import type { PoolEvents } from './pool-events.ts'
import type { StartHistory } from './replacements.ts'
import type { SupervisedWorker } from './worker/supervised-worker.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

interface TrackedWorker {
  readonly worker: SupervisedWorker
  readonly history: StartHistory
  /** Why the worker leaves; once set, it takes no more tasks. */
  draining: string | undefined
  stopping: boolean
}

/**
 * The workers of a set whose `created` was emitted, and their states:
 *
 *     reserve ─► active ─► draining ─► stopping ─► ended
 *        └────────────────────┘
 *
 * A `reserve` worker is up and waits for the slot of a worker that will leave soon. A worker is `draining` from the decision
 * that it leaves until it has finished its tasks, and `stopping` from its stop command until its process has ended.
 */
export class TrackedWorkers {
  readonly #events: Events<PoolEvents>
  readonly #tracked = new Map<WorkerProcess, TrackedWorker>()
  #active: readonly SupervisedWorker[] = []
  #reserve: readonly SupervisedWorker[] = []

  constructor(events: Events<PoolEvents>) {
    this.#events = events
  }

  get active(): readonly SupervisedWorker[] {
    return this.#active
  }

  get reserve(): readonly SupervisedWorker[] {
    return this.#reserve
  }

  has(worker: WorkerProcess): boolean {
    return this.#tracked.has(worker)
  }

  add(workers: readonly SupervisedWorker[], history: StartHistory): void {
    this.#active = [...this.#active, ...workers]
    this.#create(workers, history)
  }

  addReserve(worker: SupervisedWorker, history: StartHistory): void {
    this.#reserve = [...this.#reserve, worker]
    this.#create([worker], history)
  }

  /** Makes the oldest reserve worker active. */
  promote(): SupervisedWorker | undefined {
    const [worker, ...others] = this.#reserve
    if (worker === undefined) return undefined
    this.#reserve = others
    this.#active = [...this.#active, worker]
    return worker
  }

  isDraining(worker: WorkerProcess): boolean {
    return this.#tracked.get(worker)?.draining !== undefined
  }

  /** Stops a worker after its tasks. False if it is already draining, or isn't in this set. */
  drain(worker: WorkerProcess, reason: string): boolean {
    const tracked = this.#tracked.get(worker)
    if (tracked === undefined || tracked.draining !== undefined) return false
    tracked.draining = reason
    this.#active = this.#active.filter((other) => other !== worker)
    this.#reserve = this.#reserve.filter((other) => other !== worker)
    if (worker.state === 'working') tracked.worker.drain(reason)
    else this.stopDrained(worker)
    return true
  }

  /** Stops a draining worker that has no more tasks. */
  stopDrained(worker: WorkerProcess): void {
    const tracked = this.#tracked.get(worker)
    if (tracked?.draining === undefined || tracked.stopping) return
    tracked.stopping = true
    this.#events.emit('destruct', worker, tracked.draining)
    void worker.stop()
  }

  /** Removes a worker whose process has ended. @returns its start history, and whether it was draining; undefined if it isn't in this set */
  ended(worker: WorkerProcess, reason: string): { history: StartHistory; expected: boolean } | undefined {
    const tracked = this.#tracked.get(worker)
    if (tracked === undefined) return undefined
    const expected = tracked.draining !== undefined
    this.drain(worker, reason)
    this.stopDrained(worker)
    this.#tracked.delete(worker)
    return { history: tracked.history, expected }
  }

  #create(workers: readonly SupervisedWorker[], history: StartHistory): void {
    for (const worker of workers) {
      this.#tracked.set(worker, { worker, history, draining: undefined, stopping: false })
    }
    for (const worker of workers) this.#events.emit('created', worker)
  }
}
