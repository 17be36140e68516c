import { toStorableMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { checkText } from '../core/options.ts'
import { checkData, checkName } from './checks.ts'
import type { Id, Named, Pruned } from './coordinate-store.ts'
import { ErrNoSuchWorkSpec } from './errors.ts'
import type { CoordinateWorkerRecord, Namespace, SummaryRow, WorkSpec } from './model.ts'
import type { Session } from './session.ts'
import { type WorkSpecData, metaOf, nameIn } from './work-spec-meta.ts'

export class NamespaceHandle implements Namespace {
  readonly name: string
  readonly #id: Id
  readonly #session: Session

  constructor(session: Session, { id, name }: Named) {
    this.#session = session
    this.#id = id
    this.name = name
  }

  destroy(): Promise<void> {
    return this.#session.store.namespaces.destroy(this.#id)
  }

  async setWorkSpec(data: WorkSpecData): Promise<WorkSpec> {
    checkData(data, 'setWorkSpec')
    const name = nameIn(data)
    checkName(name, 'setWorkSpec')
    const id = await this.#session.store.specs.set(this.#id, name, data, metaOf(data))
    return this.#session.make.workSpec({ id, name })
  }

  async workSpec(name: string): Promise<WorkSpec> {
    return this.#session.make.workSpec({ id: await this.#specId(name, 'workSpec'), name })
  }

  async destroyWorkSpec(name: string): Promise<void> {
    await this.#session.store.specs.destroy(await this.#specId(name, 'destroyWorkSpec'))
  }

  async workSpecNames(): Promise<string[]> {
    return (await this.#session.store.specs.all(this.#id)).map(({ name }) => name)
  }

  async worker(name: string): Promise<CoordinateWorkerRecord> {
    checkName(name, 'worker')
    const id = await this.#session.store.workers.obtain(this.#id, name)
    return this.#session.make.worker({ id, name })
  }

  async workers(): Promise<Map<string, CoordinateWorkerRecord>> {
    const all = await this.#session.store.workers.all(this.#id)
    return new Map(all.map((one) => [one.name, this.#session.make.worker(one)]))
  }

  summarize(): Promise<SummaryRow[]> {
    return this.#session.store.namespaces.summarize(this.#id)
  }

  /** @param signal stops it between two parts */
  async prune(retention: Duration, signal?: AbortSignal): Promise<number> {
    const retentionMs = toStorableMs(retention, 'prune: retention')
    const { store } = this.#session
    let removed = 0
    for (let after: Id | undefined = 0; after !== undefined && signal?.aborted !== true;) {
      const pruned: Pruned = await store.namespaces.prune(this.#id, retentionMs, after)
      removed += pruned.removed
      after = pruned.next
    }
    return removed
  }

  /** For workers: calls back when there may be work. @returns a function that removes the callback */
  listen(onReady: () => void): Promise<() => Promise<void>> {
    return this.#session.store.units.listen(this.#id, onReady)
  }

  async #specId(name: string, what: string): Promise<Id> {
    checkText(name, `${what}: name`)
    const id = await this.#session.store.specs.find(this.#id, name)
    if (id === undefined) throw new ErrNoSuchWorkSpec(name)
    return id
  }
}
