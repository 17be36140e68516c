import type { Events } from '../core/events.ts'
import type { PoolEvents } from './pool-events.ts'
import type { StartHistory } from './replacements.ts'
import type { SupervisedWorker } from './worker/supervised-worker.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

interface Member {
  readonly worker: SupervisedWorker
  readonly history: StartHistory
  /** Why it goes; it takes no more tasks then. */
  draining: string | undefined
  stopping: boolean
}

/**
 * The workers that were created:
 *
 *     reserve ─► active ─► draining ─► stopping ─► ended
 *        └────────────────────┘
 *
 * A reserve is up and waits for the place of one that will leave soon. One drains from when it is decided that it goes
 * until it has done its tasks, and is stopping from when it is told to stop until its process has ended.
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

  /** The reserve that came first is active from now on. */
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

  /** It stops after its tasks. False when it is about to already, or isn't one of these. */
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

  /** Tells one that drains, and has nothing more to do, to stop. */
  stopDrained(worker: WorkerProcess): void {
    const member = this.#members.get(worker)
    if (member?.draining === undefined || member.stopping) return
    member.stopping = true
    this.#events.emit('destruct', worker, member.draining)
    void worker.stop()
  }

  /** Its process has ended. @returns how it had come, and whether it was to go; undefined when it wasn't one of these */
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
