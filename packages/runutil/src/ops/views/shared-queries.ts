import type { Clock } from '../../core/clock.ts'
import { SerialQueue } from '../../core/serial-queue.ts'
import { OpsError } from '../ops-error.ts'
import { type Answer, SharedQuery } from './shared-query.ts'

/** So many queries are remembered, with their answers. */
const MOST_KEPT = 20

/** Queries of one kind that differ in what they ask for. They run one at a time, too, and the last 20 are remembered. */
export class SharedQueries<T> {
  readonly #clock: Clock
  readonly #what: string
  readonly #turns = new SerialQueue()
  /** The one that was asked for last comes last. */
  readonly #kept = new Map<string, SharedQuery<T>>()

  constructor(clock: Clock, what: string) {
    this.#clock = clock
    this.#what = what
  }

  /**
   * @param key the same for the same query
   * @throws OpsError 503 also when too many others wait
   */
  async ask(key: string, query: (signal: AbortSignal) => Promise<T>): Promise<Answer<T>> {
    const known = this.#kept.get(key)
    const shared = known ?? this.#added(query)
    this.#kept.delete(key)
    this.#kept.set(key, shared)
    return shared.ask()
  }

  /** To be called when what they ask for has changed. */
  outdate(): void {
    for (const shared of this.#kept.values()) shared.outdate()
  }

  #added(query: (signal: AbortSignal) => Promise<T>): SharedQuery<T> {
    if (this.#kept.size >= MOST_KEPT) this.#forgetOne()
    const inTurn = (signal: AbortSignal): Promise<T> =>
      this.#turns.run(async () => {
        signal.throwIfAborted()
        return query(signal)
      })
    return new SharedQuery({ clock: this.#clock, what: this.#what, query: inTurn })
  }

  #forgetOne(): void {
    for (const [key, shared] of this.#kept) {
      if (shared.isBusy) continue
      this.#kept.delete(key)
      return
    }
    throw new OpsError(503, 'busy', `${this.#what}: ${MOST_KEPT} other queries wait for the store; try again`)
  }
}
