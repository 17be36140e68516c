import { systemClock } from '../../core/clock-system.ts'
import type { Timer } from '../../core/clock.ts'
import { plainArray } from '../statements/array-literal.ts'
import { leaseLimit } from '../statements/lease-limit.ts'
import type { SchemaQueries } from '../statements/schema-queries.ts'

const POLL_MS = 1_000

/** A live worker of this process. */
export interface WokenWorker {
  /** Those of its row. */
  readonly id: number
  readonly fence: number
  /** Whether it waits until it is woken. */
  readonly isWaiting: boolean
  /** It may have a task, by a notification that anyone may send. */
  hear(): void
  /** It has a task, or may have lost its row. */
  look(): void
}

/**
 * Wakes the workers of this process that have something to do: the one that a notification names, and all when some may have been
 * missed. In case one was missed unnoticed, a statement asks every second for all that wait; if that fails, each of them looks.
 */
export class WorkerWakeUps {
  readonly #queries: SchemaQueries
  readonly #limitMs: number
  /** By their ids. */
  readonly #workers = new Map<number, WokenWorker>()
  #listening: Promise<() => Promise<void>> | undefined
  #timer: Timer | undefined

  constructor(queries: SchemaQueries, leaseMs: number) {
    this.#queries = queries
    this.#limitMs = leaseLimit(leaseMs)
  }

  add(worker: WokenWorker): void {
    this.#workers.set(worker.id, worker)
    if (this.#workers.size === 1) this.#pollLater()
  }

  remove(worker: WokenWorker): void {
    if (this.#workers.get(worker.id) === worker) this.#workers.delete(worker.id)
    if (this.#workers.size > 0) return
    this.#timer?.clear()
    void this.#listening?.then((off) => off()).catch(() => {})
    this.#listening = undefined
  }

  /** Resolves once the database notifies. @throws StoreUnavailableError */
  async listen(): Promise<void> {
    const listening = (this.#listening ??= this.#queries.listen(this.#queries.channel, (payload) =>
      this.#hear(payload),
    ))
    try {
      await listening
    } catch (error) {
      if (this.#listening === listening) this.#listening = undefined
      throw error
    }
  }

  #hear(payload: string): void {
    const [what, id] = payload.split(' ')
    if (payload === '') for (const worker of this.#workers.values()) worker.hear()
    else if (what === 'task') this.#workers.get(Number(id))?.hear()
  }

  #pollLater(): void {
    const at = systemClock.elapsed() + POLL_MS
    if (this.#timer === undefined) this.#timer = systemClock.setTimeoutAt(() => void this.#poll(), at)
    else this.#timer.restartAt(at)
  }

  async #poll(): Promise<void> {
    const waiting = [...this.#workers.values()].filter(({ isWaiting }) => isWaiting)
    const quiet = await this.#quiet(waiting).catch(() => new Map<number, number>())
    for (const worker of waiting) if (quiet.get(worker.id) !== worker.fence) worker.look()
    if (this.#workers.size > 0) this.#pollLater()
  }

  /** Those that have nothing to do, with the fences of their rows. */
  async #quiet(workers: readonly WokenWorker[]): Promise<Map<number, number>> {
    if (workers.length === 0) return new Map()
    const text = /* sql */ `select id::double precision, fence::double precision
      from ${this.#queries.s}.quiet_workers($1::pg_catalog.text::bigint[])`
    const options = { limitMs: this.#limitMs, reserved: 'claims' } as const
    const ids = plainArray(workers.map(({ id }) => id))
    return new Map(await this.#queries.rows<[number, number]>(text, [ids], options))
  }
}
