import type { Clock } from '../../core/clock.ts'
import { OpsError } from '../ops-error.ts'
import type { Aged, State } from './read-model.ts'
import type { Replica, ReplicaBeat, ReplicaStore } from '../replicas/replica-store.ts'
import { SharedQueries } from './shared-queries.ts'
import { SharedQuery } from './shared-query.ts'

const MOST_STATES = 50

/** What can be seen of the other processes. */
export class ReplicaViews {
  readonly #store: ReplicaStore
  readonly #self: string
  readonly #list: SharedQuery<readonly Replica[]>
  readonly #states: SharedQueries<Awaited<ReturnType<ReplicaStore['state']>>>
  readonly #all: SharedQuery<State[]>

  /** @param self the id of this process */
  constructor(store: ReplicaStore, self: string, clock: Clock) {
    this.#store = store
    this.#self = self
    this.#list = new SharedQuery({ clock, what: 'replicas', query: () => store.list() })
    this.#states = new SharedQueries(clock, 'state')
    this.#all = new SharedQuery({ clock, what: 'states', query: (signal) => this.#askAll(signal) })
  }

  /** To be called when a process has changed. */
  outdate(): void {
    for (const queries of [this.#list, this.#states, this.#all]) queries.outdate()
  }

  async list(): Promise<Aged & { replicas: readonly object[] }> {
    const { value, at, ageMs } = await this.#list.ask()
    return { at, ageMs, replicas: value }
  }

  /** What another process last told. @throws OpsError 404 */
  async state(id: string): Promise<State & { ageMs: number }> {
    const { value, ageMs } = await this.#states.ask(id, () => this.#store.state(id))
    if (value === undefined) throw noSuchReplica(id)
    return { ...(value.state as State), ageMs: value.ageMs + ageMs }
  }

  /** What the other live processes last told, of the oldest 50; none while that is unknown. */
  async states(): Promise<readonly State[]> {
    try {
      return (await this.#all.ask()).value
    } catch {
      return []
    }
  }

  async #askAll(signal: AbortSignal): Promise<State[]> {
    const { value } = await this.#list.ask()
    const live = value.filter(({ id, lost }) => !lost && id !== this.#self)
    const states: State[] = []
    for (const { id } of live.slice(0, MOST_STATES)) {
      signal.throwIfAborted()
      const told = await this.#store.state(id)
      if (told !== undefined) states.push(told.state as State)
    }
    return states
  }
}

export function noSuchReplica(id: string): OpsError {
  return new OpsError(404, 'not-found', `there is no replica '${id.slice(0, 80)}'; GET replicas lists them`)
}

/** The list of a process that knows of no others. */
export function aloneIn(self: Omit<ReplicaBeat, 'state'>, clock: Clock): Aged & { replicas: object[] } {
  const at = new Date(clock.now()).toISOString()
  return { at, ageMs: 0, replicas: [{ ...self, ageMs: 0, lost: false }] }
}
