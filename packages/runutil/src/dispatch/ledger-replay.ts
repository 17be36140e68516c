import { describe } from '../core/describe.ts'
import type { ActionTable } from './action-table.ts'
import { ACTION_STATUSES, type ActionRecord } from './action.ts'
import { LedgerCorruptError } from './errors.ts'

/** A line of a ledger: an action, or changed fields of one. */
export type LedgerLine = { id: string } & { -readonly [F in keyof ActionRecord]?: ActionRecord[F] } & {
  /** Whether the action's task was dispatched and not started. */
  waiting?: boolean
}

/** Fields whose values many actions share. */
const SHARED_FIELDS = ['operation', 'host', 'target'] as const
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
const CARRIAGE_RETURN = 13

/** What every action has, but for its `input`, which may be any JSON or nothing. */
const TYPES = [
  ['operation', 'string'],
  ['host', 'string'],
  ['target', 'string'],
  ['status', 'string'],
  ['createdAt', 'number'],
  ['updatedAt', 'number'],
] as const

/** Whether the fields of a line are those of an action: all that every action has, or some. */
function hasFieldsOf(line: Omit<LedgerLine, 'waiting'>, all: boolean): boolean {
  const { status, error } = line
  const fits = TYPES.every(([name, type]) => (line[name] === undefined ? !all : typeof line[name] === type))
  const isStatus = status === undefined || ACTION_STATUSES.includes(status)
  return fits && isStatus && (error === undefined || typeof error === 'string')
}

/** Restores the actions of a ledger, line by line. */
export class LedgerReplay {
  readonly #path: string
  readonly #table: ActionTable
  /** Shared values, each kept once. */
  readonly #shared = new Map<string, string>()
  /** Actions whose tasks had not started. */
  readonly #waiting = new Set<string>()
  #line = 0

  constructor(path: string, table: ActionTable) {
    this.#path = path
    this.#table = table
  }

  /** The running actions whose tasks had not started, in the order of their dispatch. */
  get waiting(): ActionRecord[] {
    const records = [...this.#waiting].map((id) => this.#table.get(id)!)
    return records.filter(({ status }) => status === 'running')
  }

  /** @param text a line without its line feed; editors may have added other line ends, empty lines and a byte order mark */
  line(text: Buffer): void {
    const lines = this.#linesOf(text)
    // A carriage return before the line feed is part of the same line end.
    if (lines.length > 1 && lines.at(-1)!.length === 0) lines.pop()
    for (const line of lines) this.#read(line)
  }

  /** @param text what follows the last line feed @returns the torn part of it */
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
    const line = text.toString()
    if (line.trim() === '') return
    const { waiting, ...change } = this.#parse(line)
    const { id } = change
    for (const field of SHARED_FIELDS)
      if (change[field] !== undefined) change[field] = this.#once(change[field])
    const known = this.#table.get(id)
    if (!hasFieldsOf(change, known === undefined)) this.#corrupt(line)
    // No caller has this object yet, so it may be changed in place.
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

  #once(value: string): string {
    const known = this.#shared.get(value)
    if (known === undefined) this.#shared.set(value, value)
    return known ?? value
  }

  #corrupt(text: string): never {
    throw new LedgerCorruptError(this.#path, this.#line, describe(text))
  }
}
