import { describe } from '../core/describe.ts'
import type { ActionTable } from './action-table.ts'
import type { ActionRecord } from './action.ts'
import { LedgerCorruptError } from './errors.ts'

/** What a line of a ledger says of an action: all, or what has changed. */
export type LedgerLine = { id: string } & { -readonly [F in keyof ActionRecord]?: ActionRecord[F] } & {
  /** Its task was handed over and not begun. */
  waiting?: boolean
}

/** Of which many actions have the same. */
const WORDS = ['operation', 'host', 'target'] as const
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
const CARRIAGE_RETURN = 13

/** Puts the actions of a ledger together again, line by line. */
export class LedgerReplay {
  readonly #path: string
  readonly #table: ActionTable
  /** They are kept once. */
  readonly #words = new Map<string, string>()
  /** Actions whose tasks nobody had begun. */
  readonly #waiting = new Set<string>()
  #line = 0

  constructor(path: string, table: ActionTable) {
    this.#path = path
    this.#table = table
  }

  /** As they are now, those that haven't ended; in the order in which they were handed over. */
  get waiting(): ActionRecord[] {
    const records = [...this.#waiting].map((id) => this.#table.get(id)!)
    return records.filter(({ status }) => status === 'running')
  }

  /** @param text without its line feed. Editors and other systems leave other ends of lines, empty lines and a mark. */
  line(text: Buffer): void {
    const lines = this.#linesOf(text)
    // Before a line feed, it's part of the same end.
    if (lines.length > 1 && lines.at(-1)!.length === 0) lines.pop()
    for (const line of lines) this.#read(line)
  }

  /** What follows the last line feed. @returns what of it was torn */
  rest(text: Buffer): Buffer {
    const lines = this.#linesOf(text)
    const torn = lines.pop()!
    for (const line of lines) this.#read(line)
    return torn
  }

  #linesOf(text: Buffer): Buffer[] {
    const lines: Buffer[] = []
    const marked = this.#line === 0 && text.subarray(0, 3).equals(BYTE_ORDER_MARK)
    let start = marked ? BYTE_ORDER_MARK.length : 0
    for (
      let end = text.indexOf(CARRIAGE_RETURN, start);
      end !== -1;
      end = text.indexOf(CARRIAGE_RETURN, start)
    ) {
      lines.push(text.subarray(start, end))
      start = end + 1
    }
    lines.push(text.subarray(start))
    return lines
  }

  #read(text: Buffer): void {
    this.#line++
    const said = text.toString()
    if (said.trim() === '') return
    const { waiting, ...change } = this.#parse(said)
    const { id } = change
    for (const field of WORDS) if (change[field] !== undefined) change[field] = this.#once(change[field])
    const known = this.#table.get(id)
    if (known === undefined && change.createdAt === undefined) this.#corrupt(said)
    // Nobody has seen it yet, so it may be changed in place.
    this.#table.put((known === undefined ? change : Object.assign(known, change)) as ActionRecord)
    if (waiting === true) this.#waiting.add(id)
    if (waiting === false) this.#waiting.delete(id)
  }

  #parse(text: string): LedgerLine {
    let parsed: unknown
    try {
      parsed = JSON.parse(text)
    } catch {
      this.#corrupt(text)
    }
    if (typeof (parsed as ActionRecord | null)?.id !== 'string') this.#corrupt(text)
    return parsed as LedgerLine
  }

  #once(word: string): string {
    const known = this.#words.get(word)
    if (known === undefined) this.#words.set(word, word)
    return known ?? word
  }

  #corrupt(text: string): never {
    throw new LedgerCorruptError(this.#path, this.#line, describe(text))
  }
}
