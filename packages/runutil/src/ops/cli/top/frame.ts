import { clearLine, cursorTo } from 'node:readline'
import type { Screen } from '../terminal.ts'

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J'
const LEAVE = '\u001b[?25h\u001b[?1049l'

/** A picture that fills the screen: of a new one only the lines that differ are written. The screen before comes back when it is left. */
export class Frame {
  readonly #screen: Screen
  #shown: readonly string[] = []
  #isEntered = false

  constructor(screen: Screen) {
    this.#screen = screen
  }

  /** Whether the screen takes no more now: then the next picture will do. */
  get isBehind(): boolean {
    return this.#screen.writableNeedDrain
  }

  enter(): void {
    this.#isEntered = true
    this.#screen.write(ENTER)
  }

  draw(lines: readonly string[]): void {
    const most = Math.max(lines.length, this.#shown.length)
    for (let row = 0; row < most; row++) {
      const line = lines[row] ?? ''
      if (line === (this.#shown[row] ?? '')) continue
      cursorTo(this.#screen, 0, row)
      clearLine(this.#screen, 0)
      this.#screen.write(line)
    }
    this.#shown = lines
  }

  /** After a change of its size nothing is where it was. */
  clear(): void {
    this.#shown = []
    this.#screen.write('\u001b[2J')
  }

  leave(): void {
    if (this.#isEntered) this.#screen.write(LEAVE)
    this.#isEntered = false
  }
}
