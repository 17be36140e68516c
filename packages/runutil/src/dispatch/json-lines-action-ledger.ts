import { currentLogger } from '../core/context.ts'
import { describe } from '../core/describe.ts'
import { unexpected } from '../core/errors.ts'
import { log } from '../core/log.ts'
import type { ActionLedger, Following, OnChange, SearchHint, SeenRecord } from './action-ledger.ts'
import { ActionTable } from './action-table.ts'
import { type ActionRecord, LOST, type RecordChange } from './action.ts'
import { JsonLinesFile } from './json-lines-file.ts'
import { type LedgerLine, LedgerReplay } from './ledger-replay.ts'
import { MemoryTaskExchange } from './memory-task-exchange.ts'
import type { Posted } from './task-exchange.ts'

/**
 * Actions in a file of JSON lines, one for each creation and change, for one process at a time. What is acknowledged is on
 * the disk. The file is read on first use; it is made when there is none, for its owner alone, in a folder that there must
 * be. `FILE.lock` beside it keeps other processes out (LedgerInUseError), until it is closed: by `close`, and when the last
 * manager and monitor of it end. It is opened again when it is used again.
 *
 * A process that dies in the middle of a line leaves it torn: it was acknowledged to nobody, and is cut off with a warning.
 * Tasks that waited when it died are handed over again as soon as their worker is registered on its host; actions that
 * were begun fail unless it is.
 *
 * @example
 * const manager = new Manager({ operation: 'test', ledger: new JsonLinesActionLedger('actions.jsonl') })
 */
export class JsonLinesActionLedger implements ActionLedger {
  readonly #path: string
  readonly #table = new ActionTable()
  readonly exchange = new MemoryTaskExchange({
    isRunning: (id) => this.#table.get(id)?.status === 'running',
    lose: (id, now) => this.#lose(id, now),
    begin: (id) => this.#begin(id),
  })
  #opened: Promise<JsonLinesFile> | undefined
  /** The last closing; nobody opens it before that is over. */
  #closed: Promise<void> = Promise.resolve()
  #followers = 0

  constructor(file: string) {
    if (typeof file !== 'string' || file === '')
      throw unexpected('JsonLinesActionLedger', 'the path of a file', file)
    this.#path = file
  }

  create(record: ActionRecord): Promise<void> {
    return this.#create(record, {})
  }

  async dispatch(record: ActionRecord): Promise<Posted | undefined> {
    const taken = this.exchange.takes(record)
    const waits = taken && !this.exchange.reserve(record)
    await this.#create(taken ? record : { ...record, ...LOST }, waits ? { waiting: true } : {})
    if (taken && this.exchange.takes(record)) return this.exchange.post(record, waits)
    await this.#lose(record.id, record.updatedAt)
    return undefined
  }

  async #create(record: ActionRecord, said: Pick<LedgerLine, 'waiting'>): Promise<void> {
    const file = await this.#open()
    await this.#append(file, record, { ...record, ...said })
  }

  async update(change: RecordChange, { ifRunning = false } = {}): Promise<ActionRecord> {
    const file = await this.#open()
    const record = this.#table.changed(change, ifRunning)
    if (record === undefined) return this.#table.get(change.id)!
    await this.#append(file, record, change)
    return record
  }

  async get(id: string): Promise<ActionRecord | undefined> {
    await this.#open()
    return this.#table.get(id)
  }

  async *search(hint: SearchHint): AsyncIterable<SeenRecord> {
    await this.#open()
    yield* this.#table.search(hint)
  }

  async follow(onChange: OnChange): Promise<Following> {
    await this.#open()
    this.#followers++
    const { revision, off } = this.#table.follow(onChange)
    return {
      revision,
      off: async () => {
        await off()
        if (--this.#followers === 0) await this.close()
      },
    }
  }

  /** Of the file, when all is on the disk that was given to it; others may have it then. */
  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    if (opened === undefined) return this.#closed
    const closing = opened.then((file) => file.close())
    this.#closed = closing.catch(() => {})
    await closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #lose(id: string, now: number): Promise<ActionRecord> {
    return this.update({ ...LOST, id, updatedAt: now }, { ifRunning: true })
  }

  /** From here on, nobody else is given its task. */
  async #begin(id: string): Promise<void> {
    const file = await this.#open()
    await file.append(JSON.stringify({ id, waiting: false } satisfies LedgerLine))
  }

  /** It is seen at once, so that the next change finds it, and told of when it is on the disk. */
  async #append(file: JsonLinesFile, record: ActionRecord, line: LedgerLine | RecordChange): Promise<void> {
    const tell = this.#table.put(record)
    await file.append(JSON.stringify(line))
    tell()
  }

  #open(): Promise<JsonLinesFile> {
    if (this.#opened === undefined) {
      const opening = this.#closed.then(() => this.#replay())
      this.#opened = opening
      // It may be there the next time.
      opening.catch(() => {
        if (this.#opened === opening) this.#opened = undefined
      })
    }
    return this.#opened
  }

  async #replay(): Promise<JsonLinesFile> {
    const file = await JsonLinesFile.open(this.#path)
    try {
      this.#table.clear()
      const replay = new LedgerReplay(this.#path, this.#table)
      const torn = replay.rest(await file.read((line) => replay.line(line)))
      if (torn.length > 0) await this.#cutOff(file, torn)
      this.exchange.restore(replay.waiting)
      return file
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async #cutOff(file: JsonLinesFile, torn: Buffer): Promise<void> {
    log(currentLogger(), 'warn', {}, `${this.#path}: dropped a torn last line, ${describe(torn.toString())}`)
    await file.cut(torn.length)
  }
}
