import { Events } from '../core/events.ts'
import {
  type Following,
  MOST_LOOKED_AT,
  type OnChange,
  type RecordPage,
  type RecordPlace,
  type SearchHint,
  type SeenRecord,
} from './action-ledger.ts'
import { type ActionRecord, type RecordChange, changedRecord } from './action.ts'
import { ErrNoSuchAction } from './errors.ts'

/** The current state of all actions of a ledger, in memory. */
export class ActionTable {
  readonly #records = new Map<string, SeenRecord>()
  readonly #running = new Set<string>()
  /** The ids in the order of creation. */
  readonly #ids: string[] = []
  /** Where in `#ids`. */
  readonly #places = new Map<string, number>()
  readonly #events = new Events<{ change: [seen: SeenRecord] }>()
  #revision = 0

  /** Removes all actions, before all records are read again; followers stay. */
  clear(): void {
    this.#records.clear()
    this.#running.clear()
    this.#ids.length = 0
    this.#places.clear()
  }

  /** @returns a function that notifies the followers, to be called once the change is acknowledged */
  put(record: ActionRecord): () => void {
    const seen = { record, revision: ++this.#revision }
    if (!this.#records.has(record.id)) this.#places.set(record.id, this.#ids.push(record.id) - 1)
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

  /** @throws ErrNoSuchAction */
  newest(hint: SearchHint, { limit, after }: RecordPlace): RecordPage {
    const from = after === undefined ? this.#ids.length : this.#places.get(after)
    if (from === undefined) throw new ErrNoSuchAction(after!)
    const records: ActionRecord[] = []
    let at = from
    while (at > 0 && records.length < limit && from - at < MOST_LOOKED_AT) {
      const record = this.get(this.#ids[--at]!)!
      if (hasAll(record, hint)) records.push(record)
    }
    return { records, next: at > 0 ? this.#ids[at] : undefined }
  }

  follow(onChange: OnChange): Following {
    // The returned promise is not awaited here.
    const off = this.#events.on('change', (seen) => void onChange(seen))
    return { revision: this.#revision, off: () => Promise.resolve(off()) }
  }
}

function hasAll(record: ActionRecord, hint: SearchHint): boolean {
  const given = Object.entries(hint) as [keyof SearchHint, string | undefined][]
  return given.every(([field, value]) => value === undefined || record[field] === value)
}
