import { Events } from '../core/events.ts'
import type { Following, OnChange, SearchHint, SeenRecord } from './action-ledger.ts'
import { type ActionRecord, type RecordChange, changedRecord } from './action.ts'
import { ErrNoSuchAction } from './errors.ts'

/** All actions of a ledger in memory, as their records leave them. */
export class ActionTable {
  readonly #records = new Map<string, SeenRecord>()
  readonly #running = new Set<string>()
  readonly #events = new Events<{ change: [seen: SeenRecord] }>()
  #revision = 0

  /** Before all records are put in again; followers stay. */
  clear(): void {
    this.#records.clear()
    this.#running.clear()
  }

  /** @returns what tells the followers, to be called when the change is acknowledged */
  put(record: ActionRecord): () => void {
    const seen = { record, revision: ++this.#revision }
    this.#records.set(record.id, seen)
    if (record.status === 'running') this.#running.add(record.id)
    else this.#running.delete(record.id)
    return () => this.#events.emit('change', seen)
  }

  /**
   * What a change makes of its action; undefined when it has ended and is only to be changed `ifRunning`.
   *
   * @throws ErrNoSuchAction, ErrActionEnded
   */
  changed(change: RecordChange, ifRunning = false): ActionRecord | undefined {
    const record = this.get(change.id)
    if (record === undefined) throw new ErrNoSuchAction(change.id)
    return ifRunning && record.status !== 'running' ? undefined : changedRecord(record, change)
  }

  get(id: string): ActionRecord | undefined {
    return this.#records.get(id)?.record
  }

  isRunning(id: string): boolean {
    return this.#running.has(id)
  }

  /** As they are now. */
  search({ status }: SearchHint): SeenRecord[] {
    if (status !== 'running') return [...this.#records.values()]
    return [...this.#running].map((id) => this.#records.get(id)!)
  }

  follow(onChange: OnChange): Following {
    // Nothing here waits for what it returns.
    const off = this.#events.on('change', (seen) => void onChange(seen))
    return { revision: this.#revision, off: () => Promise.resolve(off()) }
  }
}
