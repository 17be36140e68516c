import { currentLogger } from '../core/context.ts'
import { describe, unexpected } from '../core/errors.ts'
import type { ActionLedger, Following, SearchHint, SeenRecord } from './action-ledger.ts'
import { ActionTable } from './action-table.ts'
import { type ActionRecord, LOST, type RecordChange } from './action.ts'
import { LedgerCorruptError } from './errors.ts'
import { JsonLinesFile } from './json-lines-file.ts'
import { MemoryTaskExchange } from './memory-task-exchange.ts'
import type { Posted } from './task-exchange.ts'

/**
 * Actions in a file of JSON lines, one for each creation and change, for one process at a time. What is acknowledged is on
 * the disk. The file is read on first use; it is made when there is none, for its owner alone, in a folder that there must
 * be. `FILE.lock` beside it keeps other processes out (LedgerInUseError), until `close` or the end of this process.
 *
 * A process that dies in the middle of a line leaves it torn: it was acknowledged to nobody, and is cut off with a warning.
 * Tasks that waited when it died are nobody's afterwards: their actions fail as those do that were begun.
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
  })
  #opened: Promise<JsonLinesFile> | undefined

  constructor(file: string) {
    if (typeof file !== 'string' || file === '')
      throw unexpected('JsonLinesActionLedger', 'the path of a file', file)
    this.#path = file
  }

  async create(record: ActionRecord): Promise<void> {
    const file = await this.#open()
    await this.#append(file, record, record)
  }

  async dispatch(record: ActionRecord): Promise<Posted | undefined> {
    const taken = this.exchange.takes(record)
    await this.create(taken ? record : { ...record, ...LOST })
    if (taken && this.exchange.takes(record)) return this.exchange.post(record)
    await this.#lose(record.id, record.updatedAt)
    return undefined
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

  async follow(onChange: (seen: SeenRecord) => void): Promise<Following> {
    await this.#open()
    return this.#table.follow(onChange)
  }

  /** Lets others have the file. Where none wait for it, a process that ends needs none. */
  async close(): Promise<void> {
    await (await this.#opened)?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #lose(id: string, now: number): Promise<ActionRecord> {
    return this.update({ ...LOST, id, updatedAt: now }, { ifRunning: true })
  }

  /** It is seen at once, so that the next change finds it, and told of when it is on the disk. */
  async #append(file: JsonLinesFile, record: ActionRecord, line: ActionRecord | RecordChange): Promise<void> {
    const tell = this.#table.put(record)
    await file.append(JSON.stringify(line))
    tell()
  }

  #open(): Promise<JsonLinesFile> {
    return (this.#opened ??= this.#replay())
  }

  async #replay(): Promise<JsonLinesFile> {
    const file = await JsonLinesFile.open(this.#path)
    try {
      const replay = new Replay(this.#path, this.#table)
      const rest = await file.read((line) => replay.line(line))
      if (rest.length > 0) await this.#cutOff(file, rest)
      return file
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async #cutOff(file: JsonLinesFile, torn: Buffer): Promise<void> {
    currentLogger().warn(`${this.#path}: dropped a torn last line, ${describe(torn.toString())}`)
    await file.cut(torn.length)
  }
}

/** Of which many actions have the same. */
const WORDS = ['operation', 'host', 'target'] as const
type Line = { id: string } & { -readonly [F in keyof ActionRecord]?: ActionRecord[F] }

/** Puts the actions together again, line by line. */
class Replay {
  readonly #path: string
  readonly #table: ActionTable
  /** They are kept once. */
  readonly #words = new Map<string, string>()
  #line = 0

  constructor(path: string, table: ActionTable) {
    this.#path = path
    this.#table = table
  }

  line(text: Buffer): void {
    this.#line++
    const change = this.#parse(text)
    for (const field of WORDS) if (change[field] !== undefined) change[field] = this.#once(change[field])
    const known = this.#table.get(change.id)
    if (known === undefined && change.createdAt === undefined) this.#corrupt(text)
    // Nobody has seen it yet, so it may be changed in place.
    this.#table.put((known === undefined ? change : Object.assign(known, change)) as ActionRecord)
  }

  #parse(text: Buffer): Line {
    let parsed: unknown
    try {
      parsed = JSON.parse(text.toString())
    } catch {
      this.#corrupt(text)
    }
    if (typeof (parsed as ActionRecord | null)?.id !== 'string') this.#corrupt(text)
    return parsed as Line
  }

  #once(word: string): string {
    const known = this.#words.get(word)
    if (known === undefined) this.#words.set(word, word)
    return known ?? word
  }

  #corrupt(text: Buffer): never {
    throw new LedgerCorruptError(this.#path, this.#line, describe(text.toString()))
  }
}
