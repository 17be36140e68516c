import { unexpected } from '../core/errors.ts'
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
import type { ActionTable } from './action-table.ts'
import { type ActionRecord, LOST, type RecordChange } from './action.ts'
import { JsonLinesRecords } from './json-lines-records.ts'
import { MemoryTaskExchange } from './memory-task-exchange.ts'

/**
 * Actions in a JSON lines file, one line for each creation and change, for one process at a time. Acknowledged changes are on
 * disk. The file is read on first use; if it does not exist, it is created with access for its owner only; its folder must
 * exist. `FILE.lock` beside it locks out other processes and other ledger objects of this process (LedgerInUseError) until
 * the file is closed: by `close`, or when the last manager or monitor of this ledger ends. The next use reopens it.
 *
 * A process that dies while writing a line leaves a torn line. It was never acknowledged, and is dropped with a warning. Tasks
 * that were waiting when the process died are given to their worker once it is registered again on the same host. Actions that
 * had started fail unless their worker is registered again.
 *
 * @example
 * const manager = new Manager({ operation: 'test', ledger: new JsonLinesActionLedger('actions.jsonl') })
 */
export class JsonLinesActionLedger implements ActionLedger {
  readonly #records: JsonLinesRecords
  readonly exchange: MemoryTaskExchange
  #followers = 0

  /** Opens nothing yet. @throws InvalidArgumentError when `file` is empty or not a string */
  constructor(file: string) {
    if (typeof file !== 'string' || file === '') {
      throw unexpected('JsonLinesActionLedger', 'the path of a file', file)
    }
    this.#records = new JsonLinesRecords(file)
    this.exchange = new MemoryTaskExchange(this.#records)
  }

  create(record: ActionRecord): Promise<void> {
    return this.#records.create(record)
  }

  async dispatch(record: ActionRecord, onTaken?: () => void): Promise<boolean> {
    await this.#open()
    if (!this.exchange.takes(record)) {
      await this.#records.create({ ...record, ...LOST })
      return false
    }
    const waiting = !this.exchange.reserve(record)
    await this.#records.create(record, waiting)
    if (this.exchange.takes(record)) {
      this.exchange.push(record, onTaken, waiting)
      return true
    }
    // The ledger was closed meanwhile.
    await this.#records.markLost(record.id, record.updatedAt)
    return false
  }

  update(change: RecordChange, { ifRunning = false }: UpdateOptions = {}): Promise<ActionRecord> {
    return this.#records.update(change, ifRunning)
  }

  async get(id: string): Promise<ActionRecord | undefined> {
    return (await this.#open()).get(id)
  }

  async *search(hint: SearchHint): AsyncIterable<SeenRecord> {
    yield* (await this.#open()).search(hint)
  }

  async newest(hint: OperationHint, place: RecordPlace): Promise<RecordPage> {
    return (await this.#open()).newest(hint, place)
  }

  async follow(onChange: OnChange): Promise<Following> {
    const table = await this.#open()
    this.#followers++
    const { revision, off } = table.follow(onChange)
    return {
      revision,
      off: async () => {
        await off()
        if (--this.#followers === 0) await this.close()
      },
    }
  }

  /** Closes the file once everything written is on disk; another process may then open it. */
  close(): Promise<void> {
    return this.#records.close()
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #open(): Promise<ActionTable> {
    const table = await this.#records.open()
    const unbegun = this.#records.takeUnbegun()
    if (unbegun !== undefined) this.exchange.restore(unbegun)
    return table
  }
}
