import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Probe } from 'runutil/testing'
import { compiled } from './compiled.ts'
import { QUICK_START } from './node-args.ts'

/** Ends a child that hangs. Far longer than any test needs. */
const KILL_AFTER_MS = 240_000

export interface Exit {
  /** null when a signal killed it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The lines that it has printed to stdout and stderr. */
  readonly lines: readonly string[]
}

/** A program, named by its path in test/, that runs in its own process, directly from the sources. */
export class Child {
  readonly #process: ChildProcess
  readonly #lines: string[] = []
  readonly #printed = new Set<() => void>()
  readonly exit: Promise<Exit>

  constructor(program: string, ...args: string[]) {
    this.#process = spawn(process.execPath, [...QUICK_START, compiled(`test/${program}.ts`), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      createInterface(stream).on('line', (line) => this.#print(line))
    }
    const safetyNet = setTimeout(() => this.kill('SIGKILL'), KILL_AFTER_MS)
    this.exit = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => {
        clearTimeout(safetyNet)
        resolve({ code, signal, lines: this.#lines })
      })
    })
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** The lines printed so far. */
  get printedLines(): readonly string[] {
    return this.#lines
  }

  /** Resolves once it has printed a line that contains `text`. */
  async printed(text: string): Promise<void> {
    const probe = new Probe(`a line with '${text}'`, KILL_AFTER_MS)
    const look = (): void => {
      if (this.#lines.some((line) => line.includes(text))) probe.hit()
    }
    this.#printed.add(look)
    look()
    await Promise.race([probe.times(1), this.#ended(text)])
    this.#printed.delete(look)
  }

  /** If the child dies, the test fails with its output instead of waiting. */
  async #ended(text: string): Promise<void> {
    const { code, lines } = await this.exit
    if (lines.some((line) => line.includes(text))) return
    throw new Error(`it exited with ${code} and never printed '${text}', only:\n${lines.join('\n')}`)
  }

  #print(line: string): void {
    this.#lines.push(line)
    for (const look of this.#printed) look()
  }
}
