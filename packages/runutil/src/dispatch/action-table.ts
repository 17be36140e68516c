import { Events } from '../core/events.ts'
import type { Following, OnChange, SearchHint, SeenRecord } from './action-ledger.ts'
import { type ActionRecord, type RecordChange, changedRecord } from './action.ts'
import { ErrNoSuchAction } from './errors.ts'

/** The current state of all actions of a ledger, in memory. */
export class ActionTable {
  readonly #records = new Map<string, SeenRecord>()
  readonly #running = new Set<string>()
  readonly #events = new Events<{ change: [seen: SeenRecord] }>()
  #revision = 0

  /** Removes all actions, before all records are read again; followers stay. */
  clear(): void {
    this.#records.clear()
    this.#running.clear()
  }

  /** @returns a function that notifies the followers, to be called once the change is acknowledged */
  put(record: ActionRecord): () => void {
    const seen = { record, revision: ++this.#revision }
    this.#records.set(record.id, seen)
    if (record.status === 'running') this.#running.add(record.id)
    else this.#running.delete(record.id)
    return () => this.#events.emit('change', seen)
  }

  /**
   * The action after a change; undefined when the action has ended and the change applies only `ifRunning`.
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

  /** The actions in their current state. */
  search({ status }: SearchHint): SeenRecord[] {
    if (status !== 'running') return [...this.#records.values()]
    return [...this.#running].map((id) => this.#records.get(id)!)
  }

  follow(onChange: OnChange): Following {
    // The returned promise is not awaited here.
    const off = this.#events.on('change', (seen) => void onChange(seen))
    return { revision: this.#revision, off: () => Promise.resolve(off()) }
  }
}
