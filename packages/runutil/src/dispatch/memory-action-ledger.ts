import type { ActionLedger, SearchHint, SeenRecord } from './action-ledger.ts'
import { ActionTable } from './action-table.ts'
import type { ActionRecord, RecordChange } from './action.ts'
import { MemoryTaskExchange } from './memory-task-exchange.ts'
import type { Posted } from './task-exchange.ts'

/** Actions in memory: for tests, and where nothing needs to outlive the process. */
export class MemoryActionLedger implements ActionLedger {
  readonly exchange = new MemoryTaskExchange((id) => this.#table.get(id)?.status === 'running')
  readonly #table = new ActionTable()

  async create(record: ActionRecord): Promise<Posted | undefined> {
    this.#table.put(record)()
    return this.exchange.post(record)
  }

  async update(change: RecordChange): Promise<ActionRecord> {
    const record = this.#table.changed(change)
    this.#table.put(record)()
    return record
  }

  async get(id: string): Promise<ActionRecord | undefined> {
    return this.#table.get(id)
  }

  async *search(hint: SearchHint): AsyncIterable<SeenRecord> {
    yield* this.#table.search(hint)
  }

  async follow(onChange: (seen: SeenRecord) => void) {
    return this.#table.follow(onChange)
  }
}
