import type {
  ActionLedger,
  Following,
  OnChange,
  OperationHint,
  RecordPage,
  RecordPlace,
  SearchHint,
  SeenRecord,
  UpdateOptions,
} from './action-ledger.ts'
import { type ActionRecord, LOST, type RecordChange } from './action.ts'
import { MemoryRecords } from './memory-records.ts'
import { MemoryTaskExchange } from './memory-task-exchange.ts'

/** Actions in memory: for tests, and where nothing needs to outlive the process. Instances share nothing. */
export class MemoryActionLedger implements ActionLedger {
  readonly #records = new MemoryRecords()
  readonly exchange = new MemoryTaskExchange(this.#records)

  async create(record: ActionRecord): Promise<void> {
    this.#records.create(record)
  }

  async dispatch(record: ActionRecord, onTaken?: () => void): Promise<boolean> {
    const isLive = this.exchange.takes(record)
    this.#records.create(isLive ? record : { ...record, ...LOST })
    if (isLive) this.exchange.push(record, onTaken)
    return isLive
  }

  async update(change: RecordChange, { ifRunning = false }: UpdateOptions = {}): Promise<ActionRecord> {
    return this.#records.update(change, ifRunning)
  }

  async get(id: string): Promise<ActionRecord | undefined> {
    return this.#records.table.get(id)
  }

  async *search(hint: SearchHint): AsyncIterable<SeenRecord> {
    yield* this.#records.table.search(hint)
  }

  async newest(hint: OperationHint, place: RecordPlace): Promise<RecordPage> {
    return this.#records.table.newest(hint, place)
  }

  async follow(onChange: OnChange): Promise<Following> {
    return this.#records.table.follow(onChange)
  }
}
