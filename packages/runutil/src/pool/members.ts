import type { Events } from '../core/events.ts'
import type { PoolEvents } from './pool-events.ts'
import type { Lineage } from './replacements.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

interface Member {
  readonly lineage: Lineage
  /** Why it goes; it takes no more tasks then. */
  leaving: string | undefined
  parted: boolean
}

/**
 * The workers that were created: (reserve ─►) active ─► leaving ─► parted. A reserve is up and waits for the place of one
 * that will leave soon. One is leaving from when it is decided that it goes until it has done its task; parted, from
 * when it is told to stop, until its process has ended.
 */
export class Members {
  readonly #events: Events<PoolEvents>
  readonly #members = new Map<WorkerProcess, Member>()
  #active: readonly WorkerProcess[] = []
  #reserve: readonly WorkerProcess[] = []

  constructor(events: Events<PoolEvents>) {
    this.#events = events
  }

  get active(): readonly WorkerProcess[] {
    return this.#active
  }

  get reserve(): readonly WorkerProcess[] {
    return this.#reserve
  }

  has(worker: WorkerProcess): boolean {
    return this.#members.has(worker)
  }

  join(workers: readonly WorkerProcess[], lineage: Lineage): void {
    this.#active = [...this.#active, ...workers]
    this.#create(workers, lineage)
  }

  joinReserve(worker: WorkerProcess, lineage: Lineage): void {
    this.#reserve = [...this.#reserve, worker]
    this.#create([worker], lineage)
  }

  /** The reserve that came first is active from now on. */
  promote(): WorkerProcess | undefined {
    const [worker, ...others] = this.#reserve
    if (worker === undefined) return undefined
    this.#reserve = others
    this.#active = [...this.#active, worker]
    return worker
  }

  isLeaving(worker: WorkerProcess): boolean {
    return this.#members.get(worker)?.leaving !== undefined
  }

  /** It goes after its task. False when it goes already, or isn't one of these. */
  leave(worker: WorkerProcess, reason: string): boolean {
    const member = this.#members.get(worker)
    if (member === undefined || member.leaving !== undefined) return false
    member.leaving = reason
    this.#active = this.#active.filter((other) => other !== worker)
    this.#reserve = this.#reserve.filter((other) => other !== worker)
    if (worker.state === 'working') worker.drain()
    else this.part(worker)
    return true
  }

  /** Tells one that is leaving to stop. */
  part(worker: WorkerProcess): void {
    const member = this.#members.get(worker)
    if (member?.leaving === undefined || member.parted) return
    member.parted = true
    this.#events.emit('destruct', worker, member.leaving)
    void worker.stop()
  }

  /** Its process has ended. @returns how it had come, and whether it was to go; undefined when it wasn't one of these */
  ended(worker: WorkerProcess, reason: string): { lineage: Lineage; expected: boolean } | undefined {
    const member = this.#members.get(worker)
    if (member === undefined) return undefined
    const expected = member.leaving !== undefined
    this.leave(worker, reason)
    this.part(worker)
    this.#members.delete(worker)
    return { lineage: member.lineage, expected }
  }

  #create(workers: readonly WorkerProcess[], lineage: Lineage): void {
    for (const worker of workers) this.#members.set(worker, { lineage, leaving: undefined, parted: false })
    for (const worker of workers) this.#events.emit('created', worker)
  }
}
