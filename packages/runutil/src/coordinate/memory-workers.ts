import type { Id, Named, AttemptRow, WorkerRow, WorkerStore } from './coordinate-store.ts'
import {
  type MemoryTables,
  type MemoryWorker,
  byName,
  fromJson,
  named,
  statusOfAttempt,
  attemptRow,
} from './memory-tables.ts'
import { otherNamespace } from './errors.ts'
import type { WorkerUpdate } from './model.ts'

/** How long a new worker counts as live without a heartbeat. */
const EXPIRES_AFTER_MS = 15 * 60_000

export class MemoryWorkers implements WorkerStore {
  readonly #tables: MemoryTables
  readonly #now: () => number

  constructor(tables: MemoryTables, now: () => number) {
    this.#tables = tables
    this.#now = now
  }

  async obtain(namespaceId: Id, name: string): Promise<Id> {
    const namespace = this.#tables.namespaces.get(namespaceId)
    const found = namespace.workers.get(name)
    if (found !== undefined) return found.id
    const at = this.#now()
    const worker: MemoryWorker = {
      id: this.#tables.nextId(),
      name,
      namespace,
      attempts: new Set(),
      parent: undefined,
      active: true,
      mode: '',
      data: '{}',
      expiration: at + EXPIRES_AFTER_MS,
      lastUpdate: at,
    }
    namespace.workers.set(name, worker)
    return this.#tables.workers.add(worker).id
  }

  async all(namespace: Id): Promise<Named[]> {
    return [...this.#tables.namespaces.get(namespace).workers.values()].sort(byName).map(named)
  }

  async get(id: Id): Promise<WorkerRow> {
    const { parent, active, mode, data, expiration, lastUpdate, ...worker } = this.#tables.workers.get(id)
    return {
      ...named(worker),
      parent: parent && named(parent),
      active,
      mode,
      data: fromJson(data),
      expiration,
      lastUpdate,
    }
  }

  async setParent(id: Id, parent: Id | undefined): Promise<void> {
    const worker = this.#tables.workers.get(id)
    const given = parent === undefined ? undefined : this.#tables.workers.get(parent)
    if (given !== undefined && given.namespace !== worker.namespace)
      throw otherNamespace('setParent', 'a worker')
    worker.parent = given
  }

  async children(id: Id): Promise<Named[]> {
    return this.#childrenOf(this.#tables.workers.get(id)).map(named)
  }

  async update(id: Id, { data, now, expiration, mode }: WorkerUpdate): Promise<void> {
    Object.assign(this.#tables.workers.get(id), {
      active: true,
      data: JSON.stringify(data),
      mode,
      lastUpdate: now.getTime(),
      expiration: expiration.getTime(),
    })
  }

  async deactivate(id: Id): Promise<void> {
    this.#tables.workers.get(id).active = false
  }

  async attempts(id: Id, of: 'itself' | 'children', which: 'active' | 'all'): Promise<AttemptRow[]> {
    const worker = this.#tables.workers.get(id)
    const at = this.#now()
    const attempts = (of === 'itself' ? [worker] : this.#childrenOf(worker)).flatMap((one) => [
      ...one.attempts,
    ])
    return attempts
      .filter((attempt) => which === 'all' || isActive(attempt, at))
      .map((attempt) => attemptRow(attempt, at))
  }

  #childrenOf(worker: MemoryWorker): MemoryWorker[] {
    return [...worker.namespace.workers.values()].filter(({ parent }) => parent === worker).sort(byName)
  }
}

function isActive(attempt: MemoryWorker['attempts'] extends Set<infer A> ? A : never, now: number): boolean {
  return attempt.unit.active === attempt && statusOfAttempt(attempt, now) === 'pending'
}
