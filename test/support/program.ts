import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { compiled } from './compiled.ts'
import { QUICK_START } from './node-args.ts'

/** Ends a program that hangs. Far longer than any test needs. */
const KILL_AFTER_MS = 240_000

/** What is logged when the machine is busy with something else. */
const BUSY = /the event loop was blocked for up to/

const inRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

export const EXAMPLES = inRoot('packages/examples/src/')

export interface Exit {
  /** null when a signal killed it. */
  readonly code: number | null
  readonly output: readonly string[]
  readonly errors: readonly string[]
}

export interface ProgramProps {
  /** The path from the root of the workspace. */
  path: string
  args?: string[]
  cwd?: string
  env?: Record<string, string | undefined>
}

/** A program that runs in its own process: TypeScript on the sources, compiled; JavaScript as it is, on the build. */
export class Program {
  readonly exit: Promise<Exit>
  readonly #process: ChildProcess
  readonly #output: string[] = []
  readonly #errors: string[] = []
  readonly #watchers = new Set<() => void>()

  constructor({ path, args = [], cwd, env }: ProgramProps) {
    const file = path.endsWith('.ts') ? compiled(path) : inRoot(path)
    this.#process = spawn(process.execPath, [...QUICK_START, file, ...args], {
      cwd: cwd ?? inRoot(''),
      // Only databases that a test names.
      env: { ...process.env, DATABASE_URL: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#collect(this.#process.stdout!, this.#output)
    this.#collect(this.#process.stderr!, this.#errors)
    const safetyNet = setTimeout(() => this.kill('SIGKILL'), KILL_AFTER_MS)
    this.exit = new Promise((resolve) => {
      this.#process.once('close', (code) => {
        clearTimeout(safetyNet)
        resolve({ code, output: this.#output, errors: this.#errors })
      })
    })
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Resolves with the first line printed, now or later, that contains `text`, or matches it; rejects when the program ends first. */
  async printed(text: string | RegExp): Promise<string> {
    let watcher = (): void => {}
    const seen = new Promise<string>((resolve) => {
      watcher = () => {
        const line = this.#output.find((line) =>
          typeof text === 'string' ? line.includes(text) : text.test(line),
        )
        if (line !== undefined) resolve(line)
      }
    })
    this.#watchers.add(watcher)
    watcher()
    const ended = this.exit.then(({ code }) => {
      watcher()
      throw new Error(`exited with ${code} without printing '${String(text)}':\n${this.#everything()}`)
    })
    return Promise.race([seen, ended]).finally(() => this.#watchers.delete(watcher))
  }

  #collect(stream: NodeJS.ReadableStream, lines: string[]): void {
    createInterface(stream).on('line', (line) => {
      if (BUSY.test(line)) return
      lines.push(line)
      for (const watcher of this.#watchers) watcher()
    })
  }

  #everything(): string {
    return [...this.#output, ...this.#errors].join('\n')
  }
}
