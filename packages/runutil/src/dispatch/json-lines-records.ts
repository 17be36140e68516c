import { currentLogger } from '../core/context.ts'
import { describe } from '../core/describe.ts'
import { log } from '../core/log.ts'
import { ActionTable } from './action-table.ts'
import { type ActionRecord, LOST, type RecordChange } from './action.ts'
import { JsonLinesFile } from './json-lines-file.ts'
import { type LedgerLine, LedgerReplay } from './ledger-replay.ts'
import type { ActionStates } from './task-queue.ts'

/** The records of actions in a file and in memory. The file is opened and read on first use, and on the first use after `close`. */
export class JsonLinesRecords implements ActionStates {
  readonly #path: string
  readonly #table = new ActionTable()
  #opened: Promise<JsonLinesFile> | undefined
  /** The last `close`; the file is opened again only after it has finished. */
  #closed: Promise<void> = Promise.resolve()
  #unbegun: ActionRecord[] | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** All actions, while the file is open. */
  async open(): Promise<ActionTable> {
    await this.#file()
    return this.#table
  }

  /** The running actions whose tasks had not started, in the order of their dispatch; once after each reading of the file. */
  takeUnbegun(): readonly ActionRecord[] | undefined {
    const unbegun = this.#unbegun
    this.#unbegun = undefined
    return unbegun
  }

  /** @param waiting whether the action's task was dispatched and not started */
  async create(record: ActionRecord, waiting = false): Promise<void> {
    const file = await this.#file()
    await this.#append(file, record, waiting ? { ...record, waiting } : record)
  }

  /** @throws ErrNoSuchAction, ErrActionEnded */
  async update(change: RecordChange, ifRunning: boolean): Promise<ActionRecord> {
    const file = await this.#file()
    const record = this.#table.changed(change, ifRunning)
    if (record === undefined) return this.#table.get(change.id)!
    await this.#append(file, record, change)
    return record
  }

  isRunning(id: string): boolean {
    return this.#table.isRunning(id)
  }

  markLost(id: string, now: number): Promise<ActionRecord> {
    return this.update({ ...LOST, id, updatedAt: now }, true)
  }

  /** Once recorded, no later process gives the action's task to a worker. */
  async markBegun(id: string): Promise<void> {
    const file = await this.#file()
    await file.append(JSON.stringify({ id, waiting: false } satisfies LedgerLine))
  }

  /** Closes the file once all appended lines are on disk. */
  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    if (opened === undefined) return this.#closed
    const closing = opened.then((file) => file.close())
    this.#closed = closing.catch(() => {})
    await closing
  }

  /** Updates the table at once, so that the next change sees it; followers are notified when the line is on disk. */
  async #append(file: JsonLinesFile, record: ActionRecord, line: LedgerLine | RecordChange): Promise<void> {
    const notify = this.#table.put(record)
    await file.append(JSON.stringify(line))
    notify()
  }

  #file(): Promise<JsonLinesFile> {
    if (this.#opened === undefined) {
      const opening = this.#closed.then(() => this.#replay())
      this.#opened = opening
      // The next use retries.
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
      this.#unbegun = replay.waiting
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
