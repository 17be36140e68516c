import type { Events } from '../core/events.ts'
import type { PoolEvents } from './pool-events.ts'
import type { StartHistory } from './replacements.ts'
import type { SupervisedWorker } from './worker/supervised-worker.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

interface Member {
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
 * A `reserve` worker is up and waits for the place of a worker that will leave soon. A worker is `draining` from the decision
 * that it leaves until it has finished its tasks, and `stopping` from its stop command until its process has ended.
 */
export class Members {
  readonly #events: Events<PoolEvents>
  readonly #members = new Map<WorkerProcess, Member>()
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
    return this.#members.has(worker)
  }

  join(workers: readonly SupervisedWorker[], history: StartHistory): void {
    this.#active = [...this.#active, ...workers]
    this.#create(workers, history)
  }

  joinReserve(worker: SupervisedWorker, history: StartHistory): void {
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
    return this.#members.get(worker)?.draining !== undefined
  }

  /** Stops a worker after its tasks. False if it is already draining, or isn't in this set. */
  drain(worker: WorkerProcess, reason: string): boolean {
    const member = this.#members.get(worker)
    if (member === undefined || member.draining !== undefined) return false
    member.draining = reason
    this.#active = this.#active.filter((other) => other !== worker)
    this.#reserve = this.#reserve.filter((other) => other !== worker)
    if (worker.state === 'working') member.worker.drain()
    else this.stopDrained(worker)
    return true
  }

  /** Stops a draining worker that has no more tasks. */
  stopDrained(worker: WorkerProcess): void {
    const member = this.#members.get(worker)
    if (member?.draining === undefined || member.stopping) return
    member.stopping = true
    this.#events.emit('destruct', worker, member.draining)
    void worker.stop()
  }

  /** Removes a worker whose process has ended. @returns its start history, and whether it was draining; undefined if it isn't in this set */
  ended(worker: WorkerProcess, reason: string): { history: StartHistory; expected: boolean } | undefined {
    const member = this.#members.get(worker)
    if (member === undefined) return undefined
    const expected = member.draining !== undefined
    this.drain(worker, reason)
    this.stopDrained(worker)
    this.#members.delete(worker)
    return { history: member.history, expected }
  }

  #create(workers: readonly SupervisedWorker[], history: StartHistory): void {
    for (const worker of workers) {
      this.#members.set(worker, { worker, history, draining: undefined, stopping: false })
    }
    for (const worker of workers) this.#events.emit('created', worker)
  }
}
