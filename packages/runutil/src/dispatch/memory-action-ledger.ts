import type { ActionLedger, Following, OnChange, SearchHint, SeenRecord } from './action-ledger.ts'
import { ActionTable } from './action-table.ts'
import { type ActionRecord, LOST, type RecordChange } from './action.ts'
import { MemoryTaskExchange } from './memory-task-exchange.ts'
import type { Posted } from './task-exchange.ts'

/** Actions in memory: for tests, and where nothing needs to outlive the process. */
export class MemoryActionLedger implements ActionLedger {
  readonly #table = new ActionTable()
  readonly exchange = new MemoryTaskExchange({
    isRunning: (id) => this.#table.get(id)?.status === 'running',
    lose: (id, now) => this.update({ ...LOST, id, updatedAt: now }, { ifRunning: true }),
  })

  async create(record: ActionRecord): Promise<void> {
    this.#table.put(record)()
  }

  async dispatch(record: ActionRecord): Promise<Posted | undefined> {
    const taken = this.exchange.takes(record)
    this.#table.put(taken ? record : { ...record, ...LOST })()
    return taken ? this.exchange.post(record) : undefined
  }

  async update(change: RecordChange, { ifRunning = false } = {}): Promise<ActionRecord> {
    const record = this.#table.changed(change, ifRunning)
    if (record === undefined) return this.#table.get(change.id)!
    this.#table.put(record)()
    return record
  }

  async get(id: string): Promise<ActionRecord | undefined> {
    return this.#table.get(id)
  }

  async *search(hint: SearchHint): AsyncIterable<SeenRecord> {
    yield* this.#table.search(hint)
  }

  async follow(onChange: OnChange): Promise<Following> {
    return this.#table.follow(onChange)
  }
}
