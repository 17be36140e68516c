import type { Terminal } from '../terminal.ts'
import { printable, printableLines } from './printable.ts'
import { type Style, styleFor } from './style.ts'
import { type Column, tableLines } from './table.ts'

/** What a command says on stdout. */
export class Output {
  readonly style: Style
  readonly #terminal: Terminal

  constructor(terminal: Terminal) {
    this.#terminal = terminal
    this.style = styleFor(terminal.stdout, terminal.env)
  }

  /** Of the terminal; undefined: there is none. */
  get width(): number | undefined {
    const { isTTY, columns } = this.#terminal.stdout
    return isTTY === true ? columns : undefined
  }

  /** A line that holds nothing that came from elsewhere, or only what is printable. */
  line(text = ''): void {
    this.#terminal.stdout.write(`${text}\n`)
  }

  /** What came from elsewhere, as lines. */
  text(text: string, indent = ''): void {
    for (const line of printableLines(text)) this.line(`${indent}${line}`)
  }

  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
    const look = { width: this.width, style: this.style }
    for (const line of tableLines(columns, rows, look)) this.line(line)
  }

  /** Names with their values; those without a value are left out. */
  facts(facts: readonly (readonly [name: string, value: string | undefined])[]): void {
    const known = facts.filter(([, value]) => value !== undefined)
    const width = Math.max(0, ...known.map(([name]) => name.length))
    for (const [name, value] of known) {
      this.line(`${this.style('dim', name.padEnd(width))}  ${printable(value!)}`)
    }
  }

  json(value: unknown): void {
    this.line(JSON.stringify(value, undefined, 2))
  }
}
