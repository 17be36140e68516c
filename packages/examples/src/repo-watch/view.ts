import type { Runtime, RuntimeEvent } from 'runutil'
import { statusOf, treeOf } from './status.ts'

/** `process.stdout`, or what a test has in its place. */
export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/**
 * Shows a run: what is printed and, beneath it, how its workers are. A terminal has that redrawn in its place. Elsewhere it is
 * a line of its own when all are ready, when a worker is restarted, when it is ready again, and once a minute.
 */
export class View {
  readonly #runtime: Pick<Runtime, 'tree' | 'on'>
  readonly #screen: Screen
  readonly #verbose: boolean
  readonly #leave: () => void
  readonly #timer: NodeJS.Timeout
  /** The paths of workers that are being restarted. */
  readonly #restarting = new Set<string>()
  /** How many lines are to be redrawn. */
  #drawn = 0
  #isClosed = false

  /** @param verbose shows the tree of the workers too */
  constructor(runtime: Pick<Runtime, 'tree' | 'on'>, screen: Screen, verbose: boolean) {
    this.#runtime = runtime
    this.#screen = screen
    this.#verbose = verbose
    this.#leave = runtime.on((event) => this.#happened(event))
    this.#timer = setInterval(() => this.#show(), screen.isTTY ? 1_000 : 60_000).unref()
  }

  /** Prints a line above the status. */
  readonly print = (line: string): void => {
    this.#screen.write(this.#erased() + line + this.#status())
  }

  /** Takes the status off the screen. What is printed from now on is printed alone. */
  close(): void {
    this.#leave()
    clearInterval(this.#timer)
    this.#isClosed = true
    this.print('')
  }

  #happened({ type, path }: RuntimeEvent): void {
    if (type === 'restarting') this.#restarting.add(path)
    const isReadyAgain = type === 'ready' && this.#restarting.delete(path)
    const areAllReady = type === 'ready' && path === ''
    if (this.#screen.isTTY || type === 'restarting' || isReadyAgain || areAllReady) this.#show()
  }

  #show(): void {
    if (this.#screen.isTTY) return this.print('')
    const time = new Date().toTimeString().slice(0, 8)
    for (const line of this.#lines()) this.#screen.write(`${time} ${line}\n`)
  }

  #lines(): string[] {
    const root = this.#runtime.tree()
    if (root.children.length === 0) return []
    return [...(this.#verbose ? treeOf(root) : []), statusOf(root, new Date())]
  }

  #status(): string {
    if (!this.#screen.isTTY || this.#isClosed) return ''
    // A line that the terminal wraps could not be erased.
    const lines = this.#lines().map((line) => line.slice(0, (this.#screen.columns ?? 80) - 1))
    this.#drawn = lines.length
    return lines.join('\n')
  }

  /** Puts the cursor where the status began, and clears the screen from there. */
  #erased(): string {
    if (this.#drawn === 0) return ''
    const up = this.#drawn > 1 ? `\x1b[${this.#drawn - 1}A` : ''
    this.#drawn = 0
    return `\r${up}\x1b[J`
  }
}
